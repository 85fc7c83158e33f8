/** What a deployment gives this Worker. The bundle gets the same object: its own bindings are in it as well. */
export interface Env {
  /** The version that answers; absent only where the platform has none. */
  CF_VERSION_METADATA?: WorkerVersionMetadata;
  /** Switches that take effect without a deployment; see maintenance.ts. */
  STORE_STATE?: KVNamespace;
  /** The same switch, as a variable of the deployment. */
  MAINTENANCE?: string;
  /** Signs operators' passes; two are valid while one is being replaced. */
  PASS_SECRET?: string;
  PASS_SECRET_PREVIOUS?: string;
  /** The store's API, as the bundle reads it. */
  MEDUSA_BACKEND_URL?: string;
  /** Goes with requests to the API's origin, and nowhere else; see origin.ts. */
  ORIGIN_SECRET?: string;
  /** Host name of the status page. */
  STATUS_HOST?: string;
}

/** A Worker as the bundle's main module exports it; handlers other than fetch (scheduled, queue, ...) stay its own. */
export type Bundle = ExportedHandler<Env> & { fetch: NonNullable<ExportedHandler<Env>["fetch"]> };
