//! What the native library makes of generated puzzles, for `bindings/test/native.test.mjs` to hold the module against:
//! `reference MODEL SEED COUNT STEPS OUT TASK`; the
//! task is JSON, or empty for the model's own. Prints the questions, one a line; OUT holds, as 32-bit floats, the halting logit and
//! the logits after each step.

use recurra::engine::TrmEngine;
use recurra::model::TrmModel;
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, seed, count, steps, out, spec] = &arguments[..] else {
        return Err("usage: reference MODEL SEED COUNT STEPS OUT TASK".into());
    };
    let mut model = TrmModel::from_bytes(&std::fs::read(model)?)?;
    if !spec.is_empty() {
        let spec = serde_json::from_str(spec)?;
        model = model.for_task(&spec).ok_or("not this model's task")?;
    }
    let task = model.header.task.as_ref().ok_or("no task")?.task()?;
    let mut engine = TrmEngine::new(&model, 1);
    let mut out = std::io::BufWriter::new(std::fs::File::create(out)?);
    for number in 0..count.parse()? {
        let pair = task.generate(seed.parse()?, number, &|_| true);
        let question = pair.ok_or("no puzzle")?.question;
        println!("{}", task.line(&question));
        engine.start(&question, 0)?;
        for _ in 0..steps.parse()? {
            engine.step();
            out.write_all(&engine.halt_logits()[0].to_le_bytes())?;
            let logits = engine.decode();
            for value in (0..question.len()).flat_map(|place| logits.row(place)) {
                out.write_all(&value.to_le_bytes())?;
            }
        }
    }
    Ok(out.flush()?)
}
