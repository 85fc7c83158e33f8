/** What of Node's module is used here; workerd has it with the flag nodejs_als or nodejs_compat. */
declare module "node:async_hooks" {
  export class AsyncLocalStorage<T> {
    run<R>(store: T, work: () => R): R;
    getStore(): T | undefined;
  }
}
