import { defineConfig, loadEnv } from "@medusajs/framework/utils"

loadEnv(process.env.NODE_ENV || "development", process.cwd())

// `durable` keeps sessions, queues, workflows and locks and must not evict; `cache` may lose anything at any time.
const durable = process.env.REDIS_URL
const cache = process.env.CACHE_REDIS_URL
const backendUrl = process.env.MEDUSA_BACKEND_URL || "http://localhost:9000"
const stripeApiKey = process.env.STRIPE_API_KEY

const workerMode = (mode: string | undefined): "server" | "worker" | "shared" => {
  if (mode === undefined || mode === "" || mode === "shared") return "shared"
  if (mode === "server" || mode === "worker") return mode
  throw new Error(`MEDUSA_WORKER_MODE is "${mode}"; allowed: server, worker, shared`)
}

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: {
      // The database is reached over the private network; a pool per process, sized so that all instances together fit.
      connection: { ssl: false },
      pool: { min: 0, max: Number(process.env.DATABASE_POOL_MAX || 10) },
    },
    redisUrl: durable,
    workerMode: workerMode(process.env.MEDUSA_WORKER_MODE),
    // A browser refuses a Secure cookie that came over plain HTTP: secure exactly where the API's address is https.
    cookieOptions: { secure: backendUrl.startsWith("https://"), sameSite: "lax" },
    http: {
      storeCors: process.env.STORE_CORS || "http://localhost:8000",
      adminCors: process.env.ADMIN_CORS || "http://localhost:9000",
      authCors: process.env.AUTH_CORS || "http://localhost:8000,http://localhost:9000",
      jwtSecret: process.env.JWT_SECRET,
      cookieSecret: process.env.COOKIE_SECRET,
    },
  },
  admin: {
    disable: process.env.DISABLE_MEDUSA_ADMIN === "true",
    // Baked into the bundle when the admin is built: "/" makes the bundle ask whichever host served it.
    backendUrl: "/",
  },
  featureFlags: { caching: Boolean(cache) },
  modules: [
    ...(durable
      ? [
          { resolve: "@medusajs/medusa/event-bus-redis", options: { redisUrl: durable } },
          { resolve: "@medusajs/medusa/workflow-engine-redis", options: { redis: { redisUrl: durable } } },
          {
            resolve: "@medusajs/medusa/locking",
            options: {
              providers: [
                {
                  resolve: "@medusajs/medusa/locking-redis",
                  id: "locking-redis",
                  is_default: true,
                  options: { redisUrl: durable },
                },
              ],
            },
          },
        ]
      : []),
    ...(cache
      ? [
          {
            resolve: "@medusajs/medusa/caching",
            options: {
              providers: [
                {
                  resolve: "@medusajs/medusa/caching-redis",
                  id: "caching-redis",
                  is_default: true,
                  options: { redisUrl: cache },
                },
              ],
            },
          },
        ]
      : []),
    ...(stripeApiKey
      ? [
          {
            resolve: "@medusajs/medusa/payment",
            options: {
              providers: [
                {
                  resolve: "@medusajs/medusa/payment-stripe",
                  id: "stripe",
                  options: { apiKey: stripeApiKey, webhookSecret: process.env.STRIPE_WEBHOOK_SECRET },
                },
              ],
            },
          },
        ]
      : []),
  ],
})
