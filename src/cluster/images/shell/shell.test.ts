// Transcripts: scripts and what busybox prints for them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Machine } from '../../machine/machine.ts';
import { SECOND } from '../../sim/time.ts';
import { Simulation } from '../../sim/simulation.ts';
import { busyboxImage } from '../entries/busybox.ts';
import { parseScript } from './parser.ts';
import { SyntaxError } from './words.ts';

function container(argv: readonly string[], setup?: (machine: Machine) => void) {
  const sim = new Simulation();
  const machine = new Machine(sim, { name: 'worker-1' });
  machine.powerOn();
  for (const [path, text] of Object.entries(busyboxImage.files as Record<string, string>)) machine.files.write(path, text);
  setup?.(machine);
  const lines: string[] = [];
  const process = machine.spawn(busyboxImage.program, {
    argv,
    env: { HOSTNAME: 'web-0', HOME: '/root', PATH: '/bin' },
    isolatePids: true,
    logs: { write: (stream, line) => void lines.push(stream === 'stderr' ? `! ${line}` : line) },
  });
  return { sim, machine, process, lines };
}

function run(script: string): { out: string[]; code: number | undefined } {
  const { sim, process, lines } = container(['sh', '-c', script]);
  sim.runUntil(120 * SECOND);
  return { out: lines, code: process.status?.code };
}

describe('what scripts print', () => {
  it.each<[string, string, readonly string[]]>([
    ['lists', 'true && echo a || echo b; false && echo c || echo d', ['a', 'd']],
    ['variables and quotes', `x="a  b"; echo $x "$x" '$x' \\$x`, ['a b a  b $x $x']],
    ['defaults', 'echo ${A:-none} ${HOME:+set} ${B:=new} $B ${#B}', ['none set new new 3']],
    ['trimming', 'f=/a/b/c.tar.gz; echo ${f##*/} ${f%.*} ${f%%.*} ${f#/a}', ['c.tar.gz /a/b/c.tar /a/b/c /b/c.tar.gz']],
    ['trimming in quotes and here-documents', 'h=web-0; echo "${h%-*} ${h##*-}"; cat <<EOF\n${h%-*}\nEOF', ['web 0', 'web']],
    ['arithmetic', 'i=5; echo $((i*2+1)) $(( (i+1) % 4 )) $((i>3 && i<9)) $((i++)) $i', ['11 2 1 5 6']],
    ['for and if', 'for i in 1 2 3; do if [ $i -eq 2 ]; then continue; fi; echo n$i; done', ['n1', 'n3']],
    ['while and break', 'i=0; while :; do i=$((i+1)); [ $i = 3 ] && break; done; echo $i', ['3']],
    ['until', 'n=3; until [ $n -eq 0 ]; do echo $n; n=$((n-1)); done', ['3', '2', '1']],
    ['case', 'for f in a.txt b.sh c; do case $f in *.txt|*.md) echo text;; *.sh) echo script;; *) echo other;; esac; done', ['text', 'script', 'other']],
    ['functions', 'f() { local x=in; echo "$1-$x-$#"; return 3; }; x=out; f a b; echo $? $x', ['a-in-2', '3 out']],
    ['substitution', 'echo "<$(echo a; echo b)>" `echo c`', ['<a', 'b> c']],
    ['pipelines', 'printf "b\\na\\nb\\n" | sort | uniq -c | sed "s/^ *//"', ['1 a', '2 b']],
    ['here-document', 'x=1; cat <<EOF | tr a-z A-Z\nval $x\nEOF', ['VAL 1']],
    ['redirections', 'echo one > /tmp/f; echo two >> /tmp/f; cat < /tmp/f; ls /nope 2>/dev/null; echo $?', ['one', 'two', '1']],
    ['exec keeps redirections', 'exec 3>&1 2>/tmp/e; echo a >&3; ls /nope; cat /tmp/e; exec >/tmp/o; echo b; cat /tmp/o >&3', ['a', 'ls: /nope: No such file or directory', 'b']],
    ['stderr to stdout', '{ echo out; echo err >&2; } 2>&1 | wc -l', ['2']],
    ['globs', 'cd /tmp; touch b.txt a.txt c.log; echo *.txt; echo *.none', ['a.txt b.txt', '*.none']],
    ['fields', 'set -- "a b" c; for x in "$@"; do echo "[$x]"; done; for x in $*; do echo "($x)"; done', ['[a b]', '[c]', '(a)', '(b)', '(c)']],
    ['subshell keeps its state', 'x=1; (x=2; cd /tmp; exit 4); echo $? $x $(pwd)', ['4 1 /']],
    ['read', 'printf "k=v w\\nlast" | while IFS="=" read -r a b; do echo "$b<$a"; done', ['v w<k']],
    ['background and wait', 'sleep 2 & p=$!; wait $p; echo done $?', ['done 0']],
    ['set -e', 'set -e; false || echo kept; if false; then :; fi; echo on; false; echo never', ['kept', 'on']],
    ['trap EXIT', 'trap "echo bye" EXIT; echo hi; exit 3', ['hi', 'bye']],
    ['printf', 'printf "%s-%03d|%-4s|%x\\n" a 7 b 255 c 8 d 16', ['a-007|b   |ff', 'c-008|d   |10']],
    ['seq, xargs, cut, awk', 'seq 1 3 | xargs -n1 echo n | awk \'{print $2 ":" $1}\' | cut -d: -f1 | tr "\\n" ,', ['1,2,3,']],
    ['grep', 'printf "foo 1\\nbar 2\\nFoo 3\\n" | grep -in "^fo"', ['1:foo 1', '3:Foo 3']],
    ['head ends its writer', 'yes | head -n 2; echo $?', ['y', 'y', '0']],
    ['date', 'date +%Y-%m-%dT%H; date -u', ['2026-05-04T01', 'Mon May  4 01:00:00 UTC 2026']],
    ['environment', 'A=1 printenv A; export B=2; env | grep ^B=; echo "${A-unset}"', ['1', 'B=2', 'unset']],
    ['eval and command -v', 'c="echo hi"; eval "$c there"; command -v wget; command -v nope || echo no', ['hi there', '/bin/wget', 'no']],
    ['parameters of -c', 'echo $0 $1 $#', ['sh 0']],
  ])('%s', (_, script, expected) => {
    expect(run(script).out).toEqual(expected);
  });

  it.each<[string, string, readonly string[], number]>([
    ['unknown command', 'foo; echo $?', ['! sh: foo: not found', '127'], 0],
    ['not executable', 'echo x > /tmp/s; /tmp/s', ['! sh: /tmp/s: Permission denied'], 126],
    ['syntax', 'if true; then echo a', ['! sh: syntax error: unexpected end of file (expecting "fi")'], 2],
    ['missing file', 'cat /nope', ["! cat: can't open '/nope': No such file or directory"], 1],
    ['missing directory', 'ls /nope', ['! ls: /nope: No such file or directory'], 1],
    ['unset parameter', 'set -u; echo $nope; echo never', ['! sh: nope: parameter not set'], 2],
    ['division', 'echo $((1/0)); echo never', ['! sh: divide by zero'], 2],
    ['last status', 'false', [], 1],
    ['exit code', 'exit 42', [], 42],
  ])('complains: %s', (_, script, expected, code) => {
    expect(run(script)).toEqual({ out: expected, code });
  });
});

describe('as the first process of a container', () => {
  it('ignores SIGTERM unless it traps it', () => {
    const { sim, process } = container(['sh', '-c', 'sleep 3600']);
    sim.runUntil(SECOND);
    process.kill('SIGTERM');
    sim.runUntil(10 * SECOND);
    expect(process.alive).toBe(true);
  });
  it('runs the trap once the running command has ended', () => {
    const { sim, process, lines } = container(['sh', '-c', 'trap "echo bye; exit 0" TERM; while true; do sleep 5; done']);
    sim.runUntil(6 * SECOND);
    process.kill('SIGTERM');
    sim.runUntil(9 * SECOND);
    expect(process.alive).toBe(true);
    sim.runUntil(11 * SECOND);
    expect([lines, process.status?.code]).toEqual([['bye'], 0]);
  });
  it('runs the trap at once while it waits', () => {
    const { sim, process, lines } = container(['sh', '-c', 'trap "echo bye; exit 7" TERM; sleep 3600 & wait']);
    sim.runUntil(6 * SECOND);
    process.kill('SIGTERM');
    sim.runUntil(7 * SECOND);
    expect([lines, process.status?.code]).toEqual([['bye'], 7]);
  });
  it('without a command and without input it ends at once', () => {
    const { sim, process } = container(['sh']);
    sim.runUntil(SECOND);
    expect(process.status?.code).toBe(0);
  });
  it('a busy loop lets time pass, in few events', () => {
    const { sim, process } = container(['sh', '-c', 'while true; do :; done']);
    sim.runUntil(60 * SECOND);
    expect(process.alive).toBe(true);
    expect(sim.resumes).toBeLessThan(5_000);
  });
  it('follows a growing file', () => {
    const { sim, lines } = container(['sh', '-c', 'touch /tmp/log; tail -f /tmp/log & for i in 1 2; do sleep 1; echo line $i >> /tmp/log; done; sleep 1']);
    sim.runUntil(10 * SECOND);
    expect(lines).toEqual(['line 1', 'line 2']);
  });
});

describe('hostile scripts', () => {
  const pieces = ['$', '{', '}', '(', ')', '((', '))', '`', '"', "'", '\\', '|', '&', ';', ';;', '<', '>', '<<E', '\n', ' ', 'if', 'then', 'fi', 'do', 'done', 'for', 'in', 'case', 'esac', 'x', 'a=1', '$x', '${', '#', '!', '*', '[', ']', 'echo', '$((', '1+', '~', '%', ':-', 'f()'];
  it('parse or are refused with a message', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 24 }), (parts) => {
        const text = parts.join('');
        try {
          parseScript(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
      { numRuns: 3_000, seed: 1 },
    );
  });
  it('end with a code, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
        const { out } = run(`${parts.join(' ')}\nexit 5`);
        expect(out.filter((line) => line.includes('panic'))).toEqual([]);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});
