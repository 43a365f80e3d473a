/**
 * `npm start`: the controller on the example pipelines. Unless TAXI_BASE_URL names another place, it also serves the sample
 * files they read, so that the first run needs no internet and no configuration.
 */
import { createSampleServer } from './samples/server.ts';

const samplePort = 6790;

if (!process.env.TAXI_BASE_URL) {
  const serve = (port: number) => createSampleServer({ host: '127.0.0.1', port });
  // The port that the examples name, so that `run --local` finds the sample too; where it is taken, any other will do for the controller.
  process.env.TAXI_BASE_URL = (await serve(samplePort).catch(() => serve(0))).url;
}
process.argv.splice(2, 0, 'start', '--allow-env', 'TAXI_BASE_URL');
await import('../cli/main.ts');
