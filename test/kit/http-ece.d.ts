/** Encrypted content as RFC 8188 has it: of this package only what browsers do. */
declare module 'http_ece' {
  import type { ECDH } from 'node:crypto';

  const ece: {
    decrypt(
      body: Buffer,
      options: {
        readonly version: 'aes128gcm';
        readonly privateKey: ECDH;
        /** In base64url, or as it is. */
        readonly authSecret: string | Buffer;
      },
    ): Buffer;
  };
  export default ece;
}
