//! How many connections a database allows.

/// Connections that Aurora PostgreSQL allows by default, by the largest capacity in ACU (Aurora User Guide, "Managing
/// Aurora Serverless capacity", "Maximum connections").
const TABLE: [(f64, f64); 5] = [(1.0, 189.0), (4.0, 823.0), (8.0, 1669.0), (16.0, 3360.0), (32.0, 5000.0)];

/// Below this smallest capacity, the table ends early (same place).
const SMALL: f64 = 1.0;
/// Where it ends then.
const MOST_OF_SMALL: f64 = 2000.0;

/// The default of `max_connections`. Between the rows of AWS's table it is nearly linear, as memory is, so that what is
/// in between is taken from a straight line.
pub(crate) fn max_connections(min_capacity: f64, max_capacity: f64) -> f64 {
    let rows = TABLE.windows(2).find(|rows| max_capacity <= rows[1].0);
    let connections = match rows {
        Some(&[(low, fewer), (high, more), ..]) => {
            fewer + (more - fewer) * (max_capacity - low) / (high - low)
        }
        _ => TABLE[TABLE.len() - 1].1,
    };
    let most = if min_capacity < SMALL { MOST_OF_SMALL } else { f64::MAX };
    connections.min(most).max(1.0).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_awss_table_are_exact_and_others_are_in_between() {
        for (acu, connections) in
            [(1.0, 189.0), (2.0, 400.0), (4.0, 823.0), (8.0, 1669.0), (16.0, 3360.0), (256.0, 5000.0)]
        {
            assert!((max_connections(1.0, acu) - connections).abs() < 0.5, "{acu}");
        }
    }

    #[test]
    fn a_small_minimum_allows_two_thousand_at_most() {
        assert!((max_connections(0.5, 2.0) - 400.0).abs() < 0.5);
        assert!((max_connections(0.5, 16.0) - 2000.0).abs() < 0.5);
        assert!((max_connections(0.0, 256.0) - 2000.0).abs() < 0.5);
    }
}
