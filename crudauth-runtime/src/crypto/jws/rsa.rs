//! Which RSA keys are strong enough.

/// Fewest and most bits of a modulus (RFC 7518 §3.3; beyond, each verification costs more than the key is worth).
const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// What is wrong with the modulus `n` and the exponent `e`, big endian, as the end of a sentence.
pub(super) fn check(n: &[u8], e: &[u8]) -> Result<(), &'static str> {
    if n.first() == Some(&0) || e.first() == Some(&0) {
        return Err("a number of it begins with a zero byte");
    }
    let bits =
        (n.len() * 8).saturating_sub(n.first().map_or(0, |top| top.leading_zeros() as usize));
    if !BITS.contains(&bits) {
        return Err("its modulus has not 2048 to 4096 bits");
    }
    let exponent = match e.len() {
        1..=4 => e
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte)),
        _ => 0,
    };
    if exponent < 65_537 || exponent % 2 == 0 || n.last().is_some_and(|low| low % 2 == 0) {
        return Err("its exponent is less than 65537, or it cannot be RSA");
    }
    if has_roca(n) {
        return Err("its factors can be found (CVE-2017-15361, ROCA)");
    }
    Ok(())
}

/// Primes for which a modulus of the weak kind is a power of 65537: Infineon's library made its primes as
/// `k * M + (65537^a mod M)`, M being the product of these and more.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether `n` is a product of two such primes (CVE-2017-15361). A sound modulus looks like it once in 2^27 times.
fn has_roca(n: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let residue = n
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * (65_537 % prime) % prime;
            power == residue
        })
    })
}
