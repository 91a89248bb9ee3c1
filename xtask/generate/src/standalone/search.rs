//! Searches for the operations that cannot be generated, if not all can be.

/// Splits operations into those that can be generated together and those that cannot be added to them, with the reasons.
///
/// `attempt` tries to generate some of them. Parts are added one after the other, and halved if they cannot be.
pub fn separate(all: &[usize], attempt: &dyn Fn(&[usize]) -> Result<(), String>) -> (Vec<usize>, Vec<(usize, String)>) {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    let (first, second) = all.split_at(all.len() / 2);
    let mut open = vec![second, first];
    while let Some(part) = open.pop() {
        if part.is_empty() {
            continue;
        }
        let together: Vec<usize> = taken.iter().chain(part).copied().collect();
        match (attempt(&together), part) {
            (Ok(()), _) => taken = together,
            (Err(why), [only]) => refused.push((*only, why)),
            (Err(_), part) => {
                let (first, second) = part.split_at(part.len() / 2);
                open.extend([second, first]);
            }
        }
    }
    (taken, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_at_fault_are_found_alone_or_because_of_others() {
        let attempt = |some: &[usize]| match some {
            some if some.contains(&3) => Err("3 panics".to_owned()),
            some if some.contains(&5) && some.contains(&6) => Err("5 and 6 clash".to_owned()),
            _ => Ok(()),
        };
        let all: Vec<usize> = (0..10).collect();
        let (taken, refused) = separate(&all, &attempt);
        assert_eq!(taken, [0, 1, 2, 4, 5, 7, 8, 9]);
        assert_eq!(refused, [(3, "3 panics".to_owned()), (6, "5 and 6 clash".to_owned())]);
        assert_eq!(separate(&[3], &attempt), (vec![], vec![(3, "3 panics".to_owned())]));
        assert_eq!(separate(&[], &attempt), (vec![], vec![]));
    }
}
