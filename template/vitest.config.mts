import { devicescript } from "devicescript-tcp/vitest"
import { defineConfig } from "vitest/config"

export default defineConfig({ plugins: [devicescript()] })
