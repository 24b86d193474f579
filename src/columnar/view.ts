/** A view reads and writes words with one check of the bounds, where bytes have one each. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
