// Redirections: which stream each descriptor of a command is.

import type { Op } from '../../sim/simulation.ts';
import type { Redirect } from './ast.ts';
import { expandText, type Substitute } from './expand.ts';
import { openFile } from './run.ts';
import type { Shell, Streams } from './shell.ts';
import { LineReader, NULL_WRITER, type Reader, reasonOf, TextReader, type Writer } from './streams.ts';

const EMPTY = new TextReader('');

/** The streams with redirections applied; null (and status 1) when a file cannot be opened. */
export function* redirected(shell: Shell, redirects: readonly Redirect[], streams: Streams, substitute: Substitute): Op<Streams | null> {
  const complain = (message: string): Op<void> => streams.stderr.write(`${shell.toolbox.dialect.prefix(shell.name)}${message}\n`);
  const table = new Map<number, Reader | Writer>([[0, streams.stdin], [1, streams.stdout], [2, streams.stderr], ...streams.others]);
  for (const { fd, operator, word } of redirects) {
    const text = yield* expandText(shell, word, substitute);
    if (operator === '<<') table.set(fd, new LineReader(new TextReader(text)));
    else if (operator === '>&' || operator === '<&') {
      const from = table.get(Number(text));
      if (text === '-') table.set(fd, operator === '>&' ? NULL_WRITER : new LineReader(EMPTY));
      else if (from) table.set(fd, from);
      else {
        yield* complain(`${text}: Bad file descriptor`);
        shell.status = 2;
        return null;
      }
    } else {
      try {
        if (operator.startsWith('&')) {
          const file = openFile(shell, text, operator.slice(1), streams);
          table.set(1, file);
          table.set(2, file);
          continue;
        }
        table.set(fd, openFile(shell, text, operator, streams));
      } catch (error) {
        yield* complain(`can't ${operator === '<' ? 'open' : 'create'} ${text}: ${reasonOf(error).replace('No such file or directory', operator === '<' ? 'no such file' : 'nonexistent directory')}`);
        shell.status = 1;
        return null;
      }
    }
  }
  const [stdin, stdout, stderr] = [table.get(0), table.get(1), table.get(2)];
  const others = new Map([...table].filter(([fd]) => fd > 2));
  return { stdin: stdin as LineReader, stdout: stdout as Writer, stderr: stderr as Writer, others };
}
