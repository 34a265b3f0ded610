// Opening a file in the person's editor: the program that $KUBE_EDITOR or $EDITOR names, or vi, run by the machine's shell
// (kubectl/pkg/cmd/util/editor/editor.go).

import type { Program } from '../../cluster/machine/process.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../print/error.ts';

let commands: Program | null = null;

/** Tells how command lines are run on the machines where kubectl is used: a shell that also knows editors by name. */
export function provideCommands(shell: Program): void {
  commands = shell;
}

/** The words of the command that opens a file. */
function editorOf(context: Context): readonly string[] {
  const { env } = context.os;
  const editor = env['KUBE_EDITOR'] || env['EDITOR'] || 'vi';
  if (!editor.includes(' ')) return [editor];
  return /["'\\]/.test(editor) ? [env['SHELL'] || '/bin/bash', '-c', editor] : editor.split(' ');
}

export interface Edited {
  readonly path: string;
  readonly text: string;
}

/** Writes a file, waits until it has been edited and gives what it says then. Throws CommandError when the editor fails. */
export function* editText(context: Context, text: string, suffix: string): Op<Edited> {
  const { os } = context;
  const words = editorOf(context);
  const shown = JSON.stringify(words.join(' '));
  const random = os.sim.random(`kubectl-edit ${os.process.pid} ${os.sim.now}`);
  const path = `/tmp/kubectl-edit-${random.int(4_294_967_295)}${suffix}`;
  os.files.write(path, text, 0o600);
  context.io.flush();
  if (commands === null) throw new CommandError(`unable to launch the editor ${shown}`);
  // As upstream, the path is one more argument, or the end of the shell's command line.
  const argv = words[1] === '-c' && words.length === 3 ? [words[0] as string, '-c', `${words[2]} ${JSON.stringify(path)}`] : [...words, path];
  const child = os.spawn(commands, {
    argv,
    env: os.env,
    logs: os.process.logs,
    ...(os.stdin === null ? {} : { stdin: os.stdin }),
    ...(os.tty === null ? {} : { tty: os.tty }),
  });
  const { code } = yield* child.wait();
  if (code === 127) throw new CommandError(`unable to launch the editor ${shown}`);
  if (code !== 0) throw new CommandError(`there was a problem with the editor ${shown}`);
  return { path, text: os.files.read(path) };
}
