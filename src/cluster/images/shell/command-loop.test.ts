// What a person sees who types in a shell of busybox, and what a shell does with a script on its standard input.

import { describe, expect, it } from 'vitest';
import { Machine } from '../../machine/machine.ts';
import { Tty } from '../../machine/tty.ts';
import { Channel } from '../../sim/channel.ts';
import { Simulation } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { busyboxImage } from '../entries/busybox.ts';

function machineWithFiles(sim: Simulation): Machine {
  const machine = new Machine(sim, { name: 'worker-1' });
  machine.powerOn();
  for (const [path, text] of Object.entries(busyboxImage.files as Record<string, string>)) machine.files.write(path, text);
  return machine;
}

/** Types at a terminal, a second between the pieces; gives what the screen shows. */
function session(argv: readonly string[], keys: readonly string[]): { screen: string; code: number | undefined } {
  const sim = new Simulation();
  const machine = machineWithFiles(sim);
  let screen = '';
  const tty = new Tty(sim, (text) => (screen += text));
  const process = machine.spawn(busyboxImage.program, {
    argv,
    env: { HOME: '/root' },
    stdin: tty.input,
    tty,
    logs: { write: (_stream, line) => tty.write(`${line}\n`), raw: (_stream, text) => tty.write(text) },
  });
  tty.control((signal) => process.kill(signal));
  for (const piece of keys) {
    sim.runUntil(sim.now + SECOND);
    tty.type(piece);
  }
  sim.runUntil(sim.now + SECOND);
  return { screen: screen.replaceAll('\r\n', '\n'), code: process.status?.code };
}

/** Runs a command with text on its standard input. */
function piped(argv: readonly string[], ...input: readonly (string | Uint8Array)[]): { out: string; code: number | undefined } {
  const sim = new Simulation();
  const machine = machineWithFiles(sim);
  const stdin = new Channel<string | Uint8Array>(sim);
  let out = '';
  const process = machine.spawn(busyboxImage.program, {
    argv,
    stdin,
    logs: { write: (stream, line) => void (out += `${stream === 'stderr' ? '! ' : ''}${line}\n`), raw: (_stream, text) => void (out += text) },
  });
  for (const piece of input) stdin.send(piece);
  stdin.close();
  sim.runUntil(10 * SECOND);
  return { out, code: process.status?.code };
}

describe('an interactive shell', () => {
  it('prompts, echoes, erases, changes directory, ends with exit', () => {
    expect(session(['sh'], ['echo hx\u007fi\r', 'cd /etc\r', 'cd\r', 'exit 7\r'])).toEqual({
      screen: '/ # echo hx\b \bi\nhi\n/ # cd /etc\n/etc # cd\n~ # exit 7\n',
      code: 7,
    });
  });

  it('asks for the rest of a command, and complains without ending', () => {
    expect(session(['sh'], ['if true\r', 'then echo yes; fi\r', ')\r', 'nope\r', 'echo $?\r']).screen).toBe(
      '/ # if true\n> then echo yes; fi\nyes\n/ # )\nsh: syntax error: unexpected ")"\n/ # nope\nsh: nope: not found\n/ # echo $?\n127\n/ # ',
    );
  });

  it('^C ends the command, or the line, and not the shell', () => {
    expect(session(['sh'], ['sleep 100\r', '\u0003', 'echo $?\r', 'half', '\u0003', 'while :; do sleep 1; done\r', '\u0003', '\u0004'])).toEqual({
      screen: '/ # sleep 100\n^C\n/ # echo $?\n130\n/ # half^C\n/ # while :; do sleep 1; done\n^C\n/ # \n',
      code: 130,
    });
  });

  it('^D ends what reads, then the shell', () => {
    expect(session(['sh'], ['cat\r', 'abc\r', '\u0004', '\u0004']).screen).toBe('/ # cat\nabc\nabc\n/ # \n');
  });
});

describe('standard input', () => {
  it('is a script for sh, and what is left of it for its commands', () => {
    expect(piped(['sh'], 'read x\nhello\necho got-$x\nfor i in 1 2\ndo echo $i\ndone\nexit 4\necho never\n')).toEqual({ out: 'got-hello\n1\n2\n', code: 4 });
  });

  it('is what cat and wc read, bytes of any kind', () => {
    expect(piped(['wc', '-c'], Uint8Array.from([0xff, 0xc3]), Uint8Array.from([0xa9, 0x0a])).out.trim()).toBe('4');
    expect(piped(['cat'], 'a\n', 'b').out).toBe('a\nb');
  });

  it('carries archives: what tar wrote, tar reads', () => {
    const script = 'mkdir -p /a/b /out; echo one > /a/f; printf "\\377x" > /a/b/g; tar cf - -C /a . | tar xmf - -C /out; ls -1 /out /out/b; cat /out/f; cmp /a/b/g /out/b/g; tar cf - /a/f | tar tf -';
    expect(piped(['sh', '-c', script]).out).toContain('one\n');
  });
});
