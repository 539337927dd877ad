import { POSTGRES_15 } from '../../postgres-server.ts'
import { testPostgres } from './postgres-suite.ts'

testPostgres(POSTGRES_15)
