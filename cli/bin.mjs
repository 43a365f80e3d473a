#!/usr/bin/env node
// Plain JavaScript that any Node can read: it must be able to say that this Node is too old.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const needed = 24;
const local = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= needed) {
  // The engine's queries occupy threads of this pool; it is sized once, at its first use.
  process.env.UV_THREADPOOL_SIZE = process.env.UV_THREADPOOL_SIZE || '16';
  module.enableCompileCache();
  await import('./main.ts');
} else if (existsSync(local)) {
  runWith(local);
} else {
  process.stderr.write(
    `pipewright: this is Node ${process.versions.node}, and Pipewright needs Node ${needed} or newer; install it, or run \`npm ci\` here, which brings it\n`,
  );
  process.exitCode = 2;
}

function runWith(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
