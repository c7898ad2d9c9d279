//! Bytes in, bytes out: hashing, keys, random text.
