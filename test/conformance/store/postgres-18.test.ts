import { POSTGRES_18 } from '../../postgres-server.ts'
import { testPostgres } from './postgres-suite.ts'

testPostgres(POSTGRES_18)
