// A request made by openssl req -new -subj /O=devs/O=ops/CN=ann -addext subjectAltName=DNS:web.example.com,IP:10.0.0.7.

import { expect, it } from 'vitest';
import { base64ToBytes } from './base64.ts';
import { readPkcs10 } from './pkcs10.ts';

const REQUEST =
  'MIIBGDCBwAIBADArMQ0wCwYDVQQKDARkZXZzMQwwCgYDVQQKDANvcHMxDDAKBgNVBAMMA2FubjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAB/kCJAj5Mg' +
  'G9kiithnthuXP6s176g4OqTZz+g+y1k5EHujDLGtP7SfpXSMzt8UzUndu2YOWSvetAr5RNxlKz6gMzAxBgkqhkiG9w0BCQ4xJDAiMCAGA1UdEQQZMBeCD3dl' +
  'Yi5leGFtcGxlLmNvbYcECgAABzAKBggqhkjOPQQDAgNHADBEAiADYtYBq6M7zqOpdcZIpblWcb8oIBzUextXGJMAT9z/cAIgHjKuJTaLifmh5rqKQoKnUi70' +
  'owW2x5EeGqhKmuQvU2w=';

it('says whose certificate is asked for', () => {
  const bytes = base64ToBytes(REQUEST) ?? [];
  expect(readPkcs10(bytes)).toMatchObject({
    subject: { commonName: ['ann'], organization: ['devs', 'ops'] },
    names: { dns: ['web.example.com'], ip: ['10.0.0.7'] },
  });
  expect(readPkcs10(bytes.slice(0, 40))).toBeUndefined();
  expect(readPkcs10([])).toBeUndefined();
});
