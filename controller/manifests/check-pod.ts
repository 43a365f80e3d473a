import type { PodSettings, Resources, Volume } from '../../schemas/generated/types.ts';
import { checkOneForm } from './check-body.ts';
import type { Report } from './context.ts';
import type { Path } from './locate.ts';
import { quantityOf } from './quantity.ts';

const sources = ['configMap', 'secret', 'persistentVolumeClaim', 'emptyDir', 'hostPath'];

/** Checks what the schema cannot say of `resources` and `pod`. `path`: of what holds them. */
export function checkPod(asked: { resources?: Resources; pod?: PodSettings }, report: Report, path: Path): void {
  checkResources(asked.resources ?? {}, report, [...path, 'resources']);
  const volumes = asked.pod?.volumes ?? [];
  for (const [index, volume] of volumes.entries()) {
    const at = [...path, 'pod', 'volumes', index];
    checkOneForm(report, at, volume, sources);
    checkPaths(volume, report, at);
    checkName(volume, volumes.slice(0, index), report, at);
  }
}

function checkResources({ requests = {}, limits = {} }: Resources, report: Report, path: Path): void {
  for (const [name, amount] of Object.entries(requests)) {
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined || quantityOf(amount) <= quantityOf(limit)) continue;
    const message = `is ${amount}, more than the limit of ${limit}; ask for less or raise the limit`;
    report([...path, 'requests', name], 'bad-value', message);
  }
}

/** Where the runner, or a container's kubelet, has something of its own. */
const reserved = ['/etc/pipewright', '/scratch', '/artifacts', '/inputs', '/proc', '/sys', '/dev/termination-log'];
const reservedAlone = ['/', '/dev', '/etc'];

function checkPaths({ mountPath, subPath, hostPath, ...volume }: Volume, report: Report, path: Path): void {
  const mounted = plain(mountPath);
  if (reservedAlone.includes(mounted) || reserved.some((each) => `${mounted}/`.startsWith(`${each}/`))) {
    const message = `is "${mountPath}", which the task needs itself; mount it elsewhere, such as /data`;
    report([...path, 'mountPath'], 'bad-value', message);
  }
  const inside = [...(volume.configMap?.items ?? []), ...(volume.secret?.items ?? [])];
  const form = volume.configMap ? 'configMap' : 'secret';
  const written: [text: string | undefined, at: Path][] = [
    [mountPath, ['mountPath']],
    [subPath, ['subPath']],
    [hostPath?.path, ['hostPath', 'path']],
    ...inside.map(({ path: file }, index): [string, Path] => [file, [form, 'items', index, 'path']]),
  ];
  for (const [text, at] of written) {
    if (text === undefined || !stepsOf(text).includes('..')) continue;
    report([...path, ...at], 'bad-value', `is "${text}", and no path may have a ".." in it; write where it leads`);
  }
}

/** An absolute path without what changes nothing in it. */
function plain(path: string): string {
  return `/${stepsOf(path).join('/')}`;
}

function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step !== '' && step !== '.');
}

function checkName({ name, mountPath }: Volume, before: readonly Volume[], report: Report, path: Path): void {
  if (name.startsWith('pipewright-')) {
    const message = `is "${name}", and names that begin with "pipewright-" are taken; choose another one`;
    report([...path, 'name'], 'bad-name', message);
  } else if (before.some((other) => other.name === name)) {
    report([...path, 'name'], 'duplicate-name', `is "${name}", as another volume’s name is; choose another one`);
  }
  if (before.some((other) => plain(other.mountPath) === plain(mountPath)))
    report(
      [...path, 'mountPath'],
      'bad-value',
      `is "${mountPath}", where another volume is mounted; choose another path`,
    );
}
