/** A bundle, or a question, that cannot become a Worker; the message names value, rule and fix. */
export class BundleError extends Error {}
