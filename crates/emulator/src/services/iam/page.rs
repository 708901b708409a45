//! Lists in pages.

/// One page of a list, and the marker of the next one if there is more. `None` if the marker is none of ours.
pub(crate) fn page<T>(items: Vec<T>, size: usize, marker: Option<&str>) -> Option<(Vec<T>, Option<String>)> {
    let start = marker.map_or(Some(0), |marker| marker.strip_prefix("after-")?.parse::<usize>().ok())?;
    let end = start.saturating_add(size);
    let next = (items.len() > end).then(|| format!("after-{end}"));
    Some((items.into_iter().skip(start).take(size).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_all_of_the_list_in_order() {
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let (items, next) = page((0..5).collect(), 2, marker.as_deref()).expect("the marker is ours");
            seen.push(items);
            match next {
                Some(next) => marker = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(page(vec![1, 2], 2, None), Some((vec![1, 2], None)));
        assert_eq!(page(vec![1, 2], 2, Some("else")), None);
    }
}
