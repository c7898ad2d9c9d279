//! The memory that argon2 works in: allocated once for each permit, then used again and again.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::Block;

/// Working memory for hashes that run at the same time.
///
/// # Security
/// As many vectors exist as hashes ever ran at once, and a permit is needed to run one; so permits × size bounds the
/// memory, whatever the load. The blocks are not wiped between uses: the next hash overwrites them.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Vec<Block>>>>,
    blocks: usize,
}

impl Pool {
    /// Memory of `blocks` KiB for each hash; nothing is allocated yet.
    pub(super) fn new(blocks: usize) -> Self {
        Self {
            idle: Arc::default(),
            blocks,
        }
    }

    /// Memory for a hash that needs `blocks` KiB. One that needs more than the pool's own size (a stored hash with
    /// larger parameters) gets memory of its own, which is freed after use. Nothing if the system is out of memory.
    pub(super) fn take(&self, blocks: usize) -> Option<Lease> {
        if blocks > self.blocks {
            return Some(Lease {
                memory: allocate(blocks)?,
                pool: None,
            });
        }
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let memory = idle.map_or_else(|| allocate(self.blocks), Some)?;
        Some(Lease {
            memory,
            pool: Some(self.clone()),
        })
    }
}

fn allocate(blocks: usize) -> Option<Vec<Block>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks).ok()?;
    memory.resize(blocks, Block::new());
    Some(memory)
}

/// Memory in use; goes back to the pool when dropped.
pub(super) struct Lease {
    memory: Vec<Block>,
    pool: Option<Pool>,
}

impl AsMut<[Block]> for Lease {
    fn as_mut(&mut self) -> &mut [Block] {
        &mut self.memory
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            let memory = std::mem::take(&mut self.memory);
            pool.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(pool: &Pool) -> Vec<usize> {
        pool.idle.lock().unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn sec_007_memory_is_used_again_and_larger_needs_do_not_stay() {
        let pool = Pool::new(64);

        let (one, two) = (pool.take(64).unwrap(), pool.take(8).unwrap());
        assert!(idle(&pool).is_empty());
        drop((one, two));
        assert_eq!(idle(&pool), [64, 64]);

        let (_small, mut large) = (pool.take(64).unwrap(), pool.take(65).unwrap());
        assert_eq!(large.as_mut().len(), 65);
        drop(large);
        assert_eq!(idle(&pool), [64]);
    }

    #[test]
    fn more_than_the_system_has_is_refused_without_a_crash() {
        assert!(Pool::new(1).take(usize::MAX / 2).is_none());
    }
}
