// Ports in a server's command line: `--port=8080`, `-p 9000`, `--listen-address=:9090`, `--bind 0.0.0.0:80` …

const NAMES_A_PORT = /(^|[-_.])(port|ports|addr|address|bind|listen|listener|http|https|grpc|tcp|endpoint)($|[-_.])|^p$|port$/i;
/** Other people's ports: what a server talks to. */
const SOMEBODY_ELSES = /(server|upstream|remote|target|url|host|sink|source|proxy|db|redis|cache|backend|advertise|external|master|leader|peer|kubeconfig|webhook-url|join|seed)/i;

const portOf = (value: string): number => {
  const m = /^(?:https?:\/\/|tcp:\/\/)?(?:\[?[\w.:*-]*\]?:)?(\d{2,5})$/.exec(value);
  const port = m ? Number(m[1]) : 0;
  return port > 0 && port < 65_536 ? port : 0;
};

/** In order of appearance, each once. */
export function portsInFlags(args: readonly string[]): readonly number[] {
  const ports = new Set<number>();
  for (let i = 0; i < args.length; i++) {
    const m = /^--?([A-Za-z][\w.-]*)(?:=(.*))?$/.exec(args[i] as string);
    if (!m || !NAMES_A_PORT.test(m[1] as string) || (SOMEBODY_ELSES.test(m[1] as string) && !/^(server|http|https|web)[-_.]?(port|addr|address|listen)/i.test(m[1] as string))) continue;
    const port = portOf(m[2] ?? args[i + 1] ?? '');
    if (port > 0) ports.add(port);
  }
  return [...ports];
}

/** Addresses in a configuration file: `endpoint: 0.0.0.0:4317`, `address = "0.0.0.0"` with `port = 8443` on the next line. */
const LISTENS = /(?:endpoint|address|listen|bind)\w*["']?\s*[:=]\s*["']?(?:0\.0\.0\.0:(\d{2,5})\b|0\.0\.0\.0["']?\s*\n\s*port\s*=\s*"?(\d{2,5}))/g;

/** Where the files that a command line names (`--config=…`) say that it listens. */
export function portsInConfiguration(args: readonly string[], read: (path: string) => string | undefined): readonly number[] {
  const ports = new Set<number>();
  for (const [i, arg] of args.entries()) {
    const m = /^--?(?:[\w-]*config[\w-]*|c)(?:=(.*))?$/.exec(arg);
    const path = m === null ? undefined : (m[1] ?? args[i + 1]);
    const text = path?.startsWith('/') ? read(path) : undefined;
    for (const found of text?.matchAll(LISTENS) ?? []) ports.add(Number(found[1] ?? found[2]));
  }
  return [...ports];
}
