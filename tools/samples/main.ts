/** `npm run sample`: serves sample files in the form of the TLC's, for the examples and for trying things out. */
import { parseArgs } from 'node:util';
import { writeTripFile } from './files.ts';
import { createSampleServer } from './server.ts';

const usage = `usage: node tools/samples/main.ts [--host 127.0.0.1] [--port 6790] [--dir FOLDER] [--http1.0]
       node tools/samples/main.ts --write FILE.csv.gz --month YYYY-MM --rows N [--seed TEXT]`;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '6790' },
    dir: { type: 'string' },
    'http1.0': { type: 'boolean', default: false },
    write: { type: 'string' },
    month: { type: 'string', default: '2021-01' },
    rows: { type: 'string', default: '1369765' },
    seed: { type: 'string', default: 'pipewright' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(usage);
} else if (values.write) {
  await writeTripFile(values.write, { seed: values.seed, month: values.month, rows: Number(values.rows) });
} else {
  const folder = values.dir === undefined ? {} : { folder: values.dir };
  const server = await createSampleServer({
    host: values.host,
    port: Number(values.port),
    http10: values['http1.0'],
    ...folder,
  });
  console.log(`${server.url}/yellow_tripdata_2019-01.csv.gz`);
}
