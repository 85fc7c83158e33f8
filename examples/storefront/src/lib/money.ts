/** An amount in major units (49.5 is 49.50), as a person reads it. */
export const money = (amount: number, currency: string): string =>
  new Intl.NumberFormat("en-IE", { style: "currency", currency: currency.toUpperCase() }).format(amount)
