//! `recurra-bindgen MODULE.wasm NAME DIR`: writes `DIR/NAME.js`, its types and `DIR/NAME_bg.wasm`, for browsers, Node and
//! Deno alike. As a crate of this workspace it has the version that the module was built with.

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, name, folder] = &arguments[..] else {
        anyhow::bail!("usage: recurra-bindgen MODULE.wasm NAME DIR");
    };
    Bindgen::new()
        .input_path(module)
        .out_name(name)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        // What loads the module says where it is.
        .omit_default_module_path(true)
        .generate(folder)
        .with_context(|| module.clone())
}
