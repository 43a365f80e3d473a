/** Where a URL leads: the server with the user and port, without credentials, and a path on it. */
type Place = { readonly form: 'url' | 'scp'; readonly server: string; readonly path: string };

/** `fact` goes on from the submodule's name. */
export type Answer = { readonly url: string } | { readonly fact: string };

/**
 * The URL of a submodule as a repository names it: relative to the source's, or one on the same server. No other is asked, so that a
 * repository makes nobody contact a host, read a local file or carry credentials elsewhere. The answer is put together from checked
 * parts: programs disagree about whose host an odd URL names.
 */
export function submoduleUrl(parentUrl: string, named: string): Answer {
  const parent = parse(parentUrl);
  if (!parent) return { fact: 'is of a source that is on no server; name the source by https or ssh' };
  const isRelative = /^\.\.?\//.test(named);
  if (isRelative ? !isPlain(named) : /^(https?):\/\/[^/]*@/.test(named)) return { fact: unfit };
  const place = isRelative ? resolve(parent, named) : isPlain(named) ? parse(named) : null;
  if (!place || /(^|\/)(\.\.?|-[^/]*)(\/|$)/.test(place.path)) return { fact: unfit };
  if (place.server !== parent.server) {
    return { fact: `is on ${place.server}, and only ${parent.server} is asked, where the source is; ${wayOut}` };
  }
  return { url: format(place) };
}

const wayOut = 'move it there, or declare its repository as a source of its own';
const unfit =
  'has a URL in .gitmodules that is not followed; write one by https or ssh, or a relative one, and no password';

/** No space, backslash, query, fragment or escaped control character. */
const isPlain = (url: string) => /^[\w.~/:@%+,=!$&()*-]+$/.test(url) && !/%([01]|7f|2f|5c|2e)/i.test(url);

/** Null for a local path, and for what is no URL. */
function parse(url: string): Place | null {
  const [, account = '', host = '', path = ''] = /^([\w.-]+)@([\w.-]+):(.+)$/.exec(url) ?? [];
  if (host !== '') return { form: 'scp', server: `ssh://${account}@${host.toLowerCase()}`, path };
  if (!/^(https?|ssh):\/\/[^/]/.test(url) || !URL.canParse(url)) return null;
  const { protocol, username, password, hostname, port, pathname, host: withPort } = new URL(url);
  if (password !== '' || pathname === '' || hostname.startsWith('-')) return null;
  if (protocol !== 'ssh:') return { form: 'url', server: `${protocol}//${withPort}`, path: pathname };
  const at = `${username === '' ? '' : `${username}@`}${hostname.toLowerCase()}`;
  return { form: 'url', server: `ssh://${at}${port === '' || port === '22' ? '' : `:${port}`}`, path: pathname };
}

/** As Git does: each `../` takes one part of the source's path away. */
function resolve({ form, server, path }: Place, relative: string): Place | null {
  const parts = path.split('/').filter((part) => part !== '');
  for (const part of relative.replace(/\/+$/, '').split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  const isRooted = form === 'url' || path.startsWith('/');
  return parts.length === 0 ? null : { form, server, path: `${isRooted ? '/' : ''}${parts.join('/')}` };
}

function format({ form, server, path }: Place): string {
  return form === 'scp' ? `${server.replace('ssh://', '')}:${path}` : `${server}${path}`;
}
