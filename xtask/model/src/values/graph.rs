//! Which schemas apply to one and the same value because of one another, and where that goes round in circles.

use std::collections::HashMap;
use std::hash::Hash;

/// What a walk over a graph found.
pub struct Walk<T> {
    /// The edges that lead back to where they come from.
    pub back: std::collections::HashSet<(T, T)>,
    /// The number of nodes of the longest way.
    pub longest: usize,
}

/// Walks from all nodes along all edges, without recursion: ways may be as long as a document has schemas.
pub fn walk<T: Copy + Eq + Hash>(nodes: &[T], edges: impl Fn(T) -> Vec<T>) -> Walk<T> {
    let mut back = std::collections::HashSet::new();
    // The length of the longest way from a node; nothing while the node is open.
    let mut lengths: HashMap<T, Option<usize>> = HashMap::with_capacity(nodes.len());
    for start in nodes {
        if lengths.contains_key(start) {
            continue;
        }
        lengths.insert(*start, None);
        let mut open = vec![(*start, edges(*start), 0)];
        while let Some((node, next, longest)) = open.last_mut() {
            let Some(target) = next.pop() else {
                let (node, length) = (*node, *longest + 1);
                lengths.insert(node, Some(length));
                open.pop();
                if let Some((_, _, longest)) = open.last_mut() {
                    *longest = (*longest).max(length);
                }
                continue;
            };
            match lengths.get(&target) {
                Some(Some(length)) => *longest = (*longest).max(*length),
                Some(None) => {
                    back.insert((*node, target));
                }
                None => {
                    lengths.insert(target, None);
                    open.push((target, edges(target), 0));
                }
            }
        }
    }
    let longest = lengths.values().flatten().copied().max().unwrap_or_default();
    Walk { back, longest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_cut_and_the_longest_way_is_measured() {
        let edges = |node: u32| match node {
            0 => vec![1, 2],
            1 => vec![3],
            2 => vec![1],
            3 => vec![0, 4],
            _ => vec![],
        };
        let walk = walk(&[0, 1, 2, 3, 4], edges);
        assert_eq!(walk.back, std::collections::HashSet::from([(3, 0)]));
        assert_eq!(walk.longest, 5);
    }
}
