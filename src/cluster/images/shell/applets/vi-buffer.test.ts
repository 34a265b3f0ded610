// vi's keys on small texts: what is typed, what the text is then.

import { describe, expect, it } from 'vitest';
import { ViBuffer } from './vi-buffer.ts';

const TEXT = 'replicas: 3\nimage: nginx:1.27\nname: web\n';

/** `<esc>` and `<cr>` stand for their keys. */
function typed(keys: string, text = TEXT): ViBuffer & { readonly saved: string[] } {
  const saved: string[] = [];
  const buffer = new ViBuffer(text, (path, now) => {
    saved.push(now);
    return `'${path ?? 'file'}' written`;
  });
  for (const key of keys.replaceAll('<cr>', '\r').match(/<esc>|[\s\S]/g) ?? []) buffer.key(key === '<esc>' ? 'escape' : key);
  return Object.assign(buffer, { saved });
}

describe('vi', () => {
  it.each([
    ['$r5', 'replicas: 5\nimage: nginx:1.27\nname: web\n'],
    ['wwcw10<esc>', 'replicas: 10\nimage: nginx:1.27\nname: web\n'],
    ['A0<esc>', 'replicas: 30\nimage: nginx:1.27\nname: web\n'],
    ['/1.27<cr>C1.28<esc>', 'replicas: 3\nimage: nginx:1.28\nname: web\n'],
    [':%s/nginx:1.27/nginx:1.29/<cr>', 'replicas: 3\nimage: nginx:1.29\nname: web\n'],
    ['jdd', 'replicas: 3\nname: web\n'],
    ['ddp', 'image: nginx:1.27\nreplicas: 3\nname: web\n'],
    ['jyyGp', 'replicas: 3\nimage: nginx:1.27\nname: web\nimage: nginx:1.27\n'],
    ['olabel: a<cr>label: b<esc>', 'replicas: 3\nlabel: a\nlabel: b\nimage: nginx:1.27\nname: web\n'],
    ['Gofirst\u007f\u007f<esc>', 'replicas: 3\nimage: nginx:1.27\nname: web\nfir\n'],
    ['2ddu', TEXT],
    ['3dd', ''],
    ['dwdw', '3\nimage: nginx:1.27\nname: web\n'],
    ['jD:1<cr>x', 'eplicas: 3\n\nname: web\n'],
    ['J', 'replicas: 3 image: nginx:1.27\nname: web\n'],
  ])('%s', (keys, after) => {
    expect(typed(keys).text).toBe(after);
  });

  it('saves and ends', () => {
    const saved = typed('x:wq<cr>');
    expect([saved.saved, saved.code]).toEqual([['eplicas: 3\nimage: nginx:1.27\nname: web\n'], 0]);
    const kept = typed('x:q<cr>');
    expect([kept.code, kept.message]).toEqual([null, 'No write since last change (:q! overrides)']);
    expect(typed('x:q!<cr>')).toMatchObject({ code: 0, saved: [] });
    expect(typed('ZZ')).toMatchObject({ code: 0, saved: [] });
  });
});
