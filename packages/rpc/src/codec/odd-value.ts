/**
 * Thrown where the fast way does not apply: a value of another type than the schema says, bytes that are not as an
 * encoder would write them, a kind of field that is not worth the trouble. Whatever was begun is then done again by
 * protobuf-es, which knows what to make of it. One object, without a stack: nobody sees it.
 */
export const ODD: unknown = Object.freeze({ odd: true });
