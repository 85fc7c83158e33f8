"use client"

export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <>
      <h1>That did not work</h1>
      <p>The store could not be asked just now. Your cart is kept.</p>
      {error.digest && <p>Tell us this number if it goes on: {error.digest}</p>}
      <button type="button" onClick={reset}>
        Try again
      </button>
    </>
  )
}
