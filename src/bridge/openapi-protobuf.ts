// The OpenAPI v2 document as kubectl wants it: gnostic's openapi.v2.Document in protobuf. Written is what kubectl reads:
// definitions, and of the paths the PATCH operations with their group version kind and fieldValidation parameter.

type Json = Readonly<Record<string, unknown>>;

const utf8 = new TextEncoder();

/** A growing protobuf message. */
class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  #push(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  #varint(value: number): void {
    const bytes: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) {
        bytes.push(rest);
        break;
      }
      bytes.push((rest % 128) + 128);
    }
    this.#push(Uint8Array.from(bytes));
  }

  #bytes(field: number, bytes: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(bytes.length);
    this.#push(bytes);
    return this;
  }

  text(field: number, value: unknown): this {
    return typeof value === 'string' && value !== '' ? this.#bytes(field, utf8.encode(value)) : this;
  }

  flag(field: number, value: unknown): this {
    if (value !== true) return this;
    this.#varint(field * 8);
    this.#varint(1);
    return this;
  }

  message(field: number, message: Message | undefined): this {
    return message === undefined ? this : this.#bytes(field, message.finish());
  }

  finish(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** gnostic keeps values of any type as YAML; JSON is YAML. */
const any = (value: unknown): Message => new Message().text(2, `${JSON.stringify(value)}\n`);

const named = (name: string, value: Message): Message => new Message().text(1, name).message(2, value);

function extensions(to: Message, field: number, of: Json): Message {
  for (const key of Object.keys(of)) if (key.startsWith('x-')) to.message(field, named(key, any(of[key])));
  return to;
}

function schema(of: Json): Message {
  const out = new Message().text(1, of['$ref']).text(2, of['format']).text(4, of['description']);
  if (of['default'] !== undefined) out.message(5, any(of['default']));
  for (const name of (of['required'] as readonly string[] | undefined) ?? []) out.text(19, name);
  for (const value of (of['enum'] as readonly unknown[] | undefined) ?? []) out.message(20, any(value));
  const more = of['additionalProperties'];
  if (typeof more === 'object' && more !== null) out.message(21, new Message().message(1, schema(more as Json)));
  else if (more === true) out.message(21, new Message().flag(2, true));
  if (typeof of['type'] === 'string') out.message(22, new Message().text(1, of['type']));
  const items = of['items'];
  if (typeof items === 'object' && items !== null) out.message(23, new Message().message(1, schema(items as Json)));
  if (of['properties'] !== undefined) out.message(25, schemas(of['properties'] as Json));
  return extensions(out, 31, of);
}

/** Both Definitions and Properties: named schemas. */
function schemas(of: Json): Message {
  const out = new Message();
  for (const name of Object.keys(of)) out.message(1, named(name, schema(of[name] as Json)));
  return out;
}

function patchOperation(of: Json): Message {
  const out = new Message().text(3, of['description']).text(5, of['operationId']);
  for (const parameter of of['parameters'] as readonly Json[]) {
    if (parameter['in'] !== 'query') continue;
    const sub = new Message().text(2, 'query').text(3, parameter['description']).text(4, parameter['name']).text(6, parameter['type']);
    // ParametersItem.parameter, Parameter.non_body_parameter, NonBodyParameter.query_parameter_sub_schema
    out.message(8, new Message().message(1, new Message().message(2, new Message().message(3, sub))));
  }
  return extensions(out, 13, of);
}

function paths(of: Json): Message {
  const out = new Message();
  for (const path of Object.keys(of)) {
    const patch = (of[path] as Json)['patch'];
    if (patch !== undefined) out.message(2, named(path, new Message().message(8, patchOperation(patch as Json))));
  }
  return out;
}

/** The bytes of `application/com.github.proto-openapi.spec.v2.v1.0+protobuf` for the JSON document. */
export function encodeOpenApiV2(document: Json): Uint8Array {
  const info = document['info'] as Json;
  return new Message()
    .text(1, '2.0')
    .message(2, new Message().text(1, info['title']).text(2, info['version']))
    .message(8, paths(document['paths'] as Json))
    .message(9, schemas(document['definitions'] as Json))
    .finish();
}
