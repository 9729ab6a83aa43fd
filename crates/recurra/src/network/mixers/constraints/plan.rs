//! Who hears whom.

use super::Tables;
use crate::network::config::TrmConfig;
use recurra_kernels::messages::Sparse;

/// What means are multiplied by: as three groups of a cell say it.
pub(super) const LOUDNESS: f32 = 3.0;

/// The sparse tables of a configuration, in the order of their places.
pub(in super::super) fn tables(config: &TrmConfig) -> Tables {
    let Some(groups) = &config.groups else {
        return Tables::default();
    };
    let symbols = groups.symbols;
    let candidate = |cell: u16, symbol: usize| (usize::from(cell) * symbols + symbol) as u32;
    let nodes = groups.groups.iter().flat_map(|group| {
        let share = LOUDNESS / group.len().max(1) as f32;
        (0..symbols).map(move |symbol| {
            let members = group.iter().map(|&cell| (candidate(cell, symbol), share));
            members.collect::<Vec<_>>()
        })
    });
    let to_nodes = Sparse::new(nodes);
    // The groups of each cell.
    let mut of_cells = vec![Vec::new(); groups.cells];
    for (number, group) in groups.groups.iter().enumerate() {
        for &cell in group {
            of_cells[usize::from(cell)].push(number);
        }
    }
    let of_cells = &of_cells;
    let candidates = (0..groups.cells).flat_map(|cell| {
        let own = &of_cells[cell];
        let share = LOUDNESS / own.len().max(1) as f32;
        (0..symbols).map(move |symbol| {
            let heard = own
                .iter()
                .map(|group| ((group * symbols + symbol) as u32, share));
            heard.collect::<Vec<_>>()
        })
    });
    let to_candidates = Sparse::new(candidates);
    let back = to_nodes.transposed(groups.candidates());
    let back_again = to_candidates.transposed(to_nodes.rows());
    Tables {
        block: symbols,
        sparse: vec![to_nodes, to_candidates, back, back_again],
        ..Tables::default()
    }
}
