import { serve } from './app.ts'
import { readSettings } from './config.ts'
const settings = readSettings(process.env)
const running = await serve({ ...settings, createIfMissing: true })
console.log(running.url)
process.once('SIGINT', () => void running.close())
process.once('SIGTERM', () => void running.close())
