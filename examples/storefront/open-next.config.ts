import { defineCloudflareConfig } from "@opennextjs/cloudflare"

// Every page shows prices and stock, so every page is rendered when it is asked for: no incremental cache, no queue.
export default defineCloudflareConfig()
