//! What holds of a graph at any time, for tests.

use super::Graph;

impl Graph {
    /// Panics unless every link holds both ways between entries that are there, no list is longer than allowed, searches
    /// begin on the highest level, and every entry is reached from there.
    pub(in super::super) fn check(&self) {
        let len = self.len();
        assert_eq!(self.ground.len(), len);
        assert_eq!(self.upper.len(), len);
        let levels = || (0..len as u32).map(|id| self.level(id));
        assert_eq!(self.upper_links, levels().sum::<usize>());
        for id in 0..len as u32 {
            for level in 0..=self.level(id) {
                let links = self.links(level, id).as_slice();
                assert!(links.len() <= Self::most(level));
                for &other in links {
                    assert!((other as usize) < len, "{other} is gone");
                    assert_ne!(other, id);
                    assert!(level <= self.level(other));
                    let back = self.links(level, other).as_slice();
                    assert_eq!(back.iter().filter(|&&x| x == id).count(), 1);
                }
            }
        }
        let highest = levels().max().unwrap_or(0);
        assert!(len == 0 || self.level(self.entry) == highest);
        assert_eq!(self.reached(), len, "entries that are reached");
    }

    /// Entries that links lead to on the lowest level.
    fn reached(&self) -> usize {
        let mut seen = vec![false; self.len()];
        let mut next: Vec<u32> = (self.len() > 0).then_some(self.entry).into_iter().collect();
        let mut reached = 0;
        while let Some(id) = next.pop() {
            if !std::mem::replace(&mut seen[id as usize], true) {
                reached += 1;
                next.extend(self.ground[id].as_slice());
            }
        }
        reached
    }
}
