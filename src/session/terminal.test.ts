// The terminal as a person sees it, told as a transcript: what was typed, what stood on the screen then.

import { beforeAll, describe, expect, it } from 'vitest';
import { SECOND } from '../cluster/sim/time.ts';
import { NEW_SESSION, Session } from './session.ts';
import { tools } from './tools.ts';

/** A page's terminal without colours and marks. */
class Screen {
  readonly session: Session;
  #text = '';

  constructor(session: Session) {
    this.session = session;
  }

  get text(): string {
    const { terminal } = this.session.takeBatch();
    if (terminal) this.#text = terminal.reset ? terminal.text : this.#text + terminal.text;
    return ['\r', '\u001b]133;B\u0007', '\u001b[1;36m', '\u001b[0m'].reduce((text, mark) => text.replaceAll(mark, ''), this.#text);
  }

  enter(...lines: string[]): string {
    const before = this.text.length;
    for (const line of lines) this.session.type(`${line}\r`);
    return this.text.slice(before);
  }
}

describe('the terminal', () => {
  let session: Session;
  let screen: Screen;

  beforeAll(() => {
    session = new Session(NEW_SESSION, tools);
    screen = new Screen(session);
    session.type('');
  });

  it('opens with a prompt', () => {
    expect(screen.text).toBe('root@operator:~# ');
  });

  it('runs kubectl against the API server', () => {
    expect(screen.enter('kubectl get nodes --no-headers | wc -l')).toBe('kubectl get nodes --no-headers | wc -l\n4\nroot@operator:~# ');
    expect(screen.enter('kubectl get pod nope')).toContain('\nError from server (NotFound): pods "nope" not found\n');
  });

  it('takes manifests by here-document, and each command is a flow of its own', () => {
    const before = session.flows().length;
    const printed = screen.enter('kubectl apply -f - <<E', 'apiVersion: v1', 'kind: ConfigMap', 'metadata: {name: colours}', 'data: {sky: blue}', 'E');
    expect(printed).toContain('\n> E\nconfigmap/colours created\nroot@operator:~# ');
    screen.enter('kubectl delete configmap colours');
    const flows = session.flows().slice(before);
    expect(flows.map((flow) => (flow.action.type === 'terminal' ? flow.action.keys : ''))).toEqual(['kubectl apply -f - <<E\r', 'kubectl delete configmap colours\r']);
    expect(flows.at(-1)?.steps.call).toBeGreaterThan(5);
  });

  it('lets a command run on, and ^C ends it', () => {
    expect(screen.enter('sleep 100; echo late')).toBe('sleep 100; echo late\n');
    session.seek(session.live + 10 * SECOND);
    expect(screen.text.endsWith('late\n')).toBe(true);
    session.type('\u0003');
    expect(screen.text.endsWith('^C\nroot@operator:~# ')).toBe(true);
    expect(screen.enter('echo $?')).toContain('\n130\n');
  });

  it('goes back with the view, and a command in the past begins another future', () => {
    const { live } = session;
    screen.enter('echo second');
    session.seek(live - 15 * SECOND);
    expect(screen.text.endsWith('late\n')).toBe(false);
    session.toLive();
    expect(screen.text).toContain('\nsecond\n');
  });

  it('is in the log: a replay shows the same screen', () => {
    const copy = new Session(session.log(), tools);
    expect(new Screen(copy).text).toBe(screen.text);
    expect(copy.traceHash()).toBe(session.traceHash());
  });
});
