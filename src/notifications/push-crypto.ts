/**
 * Web Push as push services and browsers take it: RFC 8291 encrypts (with `aes128gcm` of RFC 8188, in
 * one record), RFC 8292 says who sends. Pure but for what is drawn at random.
 */
import {
  createCipheriv,
  createECDH,
  createPrivateKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  type ECDH,
} from 'node:crypto';

/** Of a browser's subscription. */
export interface PushTarget {
  readonly endpoint: string;
  /** Public key of the browser: a point of P-256, uncompressed. */
  readonly p256dh: Buffer;
  /** 16 bytes that the browser and its page share. */
  readonly auth: Buffer;
}

/** By which push services know the gateway, in base64url. */
export interface PushKeys {
  /** A point of P-256, uncompressed. */
  readonly publicKey: string;
  /** 32 bytes. */
  readonly privateKey: string;
}

const CURVE = 'prime256v1';
const POINT_BYTES = 65;
const UNCOMPRESSED = 0x04;
const AUTH_BYTES = 16;
const RECORD_BYTES = 4_096;
const LAST_RECORD = 0x02;
const TAG_BYTES = 16;
const HEADER_BYTES = 16 + 4 + 1 + POINT_BYTES;

export function isPushKey(bytes: Buffer): boolean {
  if (bytes.length !== POINT_BYTES || bytes[0] !== UNCOMPRESSED) return false;
  try {
    const own = createECDH(CURVE);
    own.generateKeys();
    // Only of a point on the curve.
    own.computeSecret(bytes);
    return true;
  } catch {
    return false;
  }
}

export function isPushAuth(bytes: Buffer): boolean {
  return bytes.length === AUTH_BYTES;
}

/** What is drawn anew for each message. */
interface Entropy {
  readonly salt: Buffer;
  readonly keys: ECDH;
}

function draw(): Entropy {
  const keys = createECDH(CURVE);
  keys.generateKeys();
  return { salt: randomBytes(16), keys };
}

/** The body of a push message. @see https://www.rfc-editor.org/rfc/rfc8291#section-3.4 */
export function encryptPush(
  text: Buffer,
  { p256dh, auth }: Pick<PushTarget, 'p256dh' | 'auth'>,
  { salt, keys }: Entropy = draw(),
): Buffer {
  if (HEADER_BYTES + text.length + 1 + TAG_BYTES > RECORD_BYTES) {
    throw new Error(`a push message of ${text.length} bytes is too long`);
  }
  const own = keys.getPublicKey();
  const shared = keys.computeSecret(p256dh);
  const derive = (secret: Buffer, by: Buffer, info: Buffer | string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, by, info, length));
  const between = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, own]);
  const input = derive(shared, auth, between, 32);
  const key = derive(input, salt, 'Content-Encoding: aes128gcm\0', 16);
  const nonce = derive(input, salt, 'Content-Encoding: nonce\0', 12);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const sealed = [cipher.update(text), cipher.update(Buffer.of(LAST_RECORD)), cipher.final()];
  const size = Buffer.alloc(4);
  size.writeUInt32BE(RECORD_BYTES);
  const header = Buffer.concat([salt, size, Buffer.of(own.length), own]);
  return Buffer.concat([header, ...sealed, cipher.getAuthTag()]);
}

export function makePushKeys(): PushKeys {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: CURVE });
  const { x = '', y = '', d = '' } = privateKey.export({ format: 'jwk' });
  const point = [Buffer.of(UNCOMPRESSED), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  return { publicKey: Buffer.concat(point).toString('base64url'), privateKey: d };
}

export interface Claims {
  /** Origin of the push service. */
  readonly audience: string;
  readonly expiresAtMs: number;
  /** Whom a push service may write to: a URL or `mailto:`; null: nobody. */
  readonly subject: string | null;
}

/** The header `Authorization` of a push message. @see https://www.rfc-editor.org/rfc/rfc8292#section-3 */
export function vapidHeader(
  { publicKey, privateKey }: PushKeys,
  { audience, expiresAtMs, subject }: Claims,
): string {
  const point = Buffer.from(publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(each =>
    each.toString('base64url'),
  );
  const key = createPrivateKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '', d: privateKey },
  });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    aud: audience,
    exp: Math.floor(expiresAtMs / 1_000),
    ...(subject !== null && { sub: subject }),
  };
  const content = `${part({ typ: 'JWT', alg: 'ES256' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
  return `vapid t=${content}.${signature.toString('base64url')}, k=${publicKey}`;
}
