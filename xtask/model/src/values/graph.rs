//! The graph of schemas that apply to the same value, and its cycles.

use std::collections::HashMap;
use std::hash::Hash;

/// The result of a walk over a graph.
pub struct Walk<T> {
    /// The back edges, which close cycles.
    pub back: std::collections::HashSet<(T, T)>,
    /// The number of nodes on the longest path.
    pub longest: usize,
}

/// Walks from all nodes along all edges, without recursion: paths may be as long as a document has schemas.
pub fn walk<T: Copy + Eq + Hash>(nodes: &[T], edges: impl Fn(T) -> Vec<T>) -> Walk<T> {
    let mut back = std::collections::HashSet::new();
    // The length of the longest path from a node; `None` while the node is being visited.
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
    fn cycles_are_cut_and_the_longest_path_is_measured() {
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
