/**
 * `npm start`: the controller on the example pipelines. Unless TAXI_BASE_URL names another place, it also serves the sample
 * files they read, so that the first run needs no internet and no configuration.
 */
import { createSampleServer } from './samples/server.ts';

const samplePort = 6790;

if (!process.env.TAXI_BASE_URL) {
  const server = await createSampleServer({ host: '127.0.0.1', port: samplePort });
  process.env.TAXI_BASE_URL = server.url;
}
process.argv.splice(2, 0, 'start', '--allow-env', 'TAXI_BASE_URL');
await import('../cli/main.ts');
