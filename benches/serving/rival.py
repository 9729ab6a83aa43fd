"""What people write today: FastAPI around ONNX Runtime, sixteen fixed steps.

rival.py MODEL.safetensors STEP.onnx PORT; `benches/browser/export.py` makes the step. Needs fastapi, uvicorn, onnxruntime, numpy and onnx.
"""

import pathlib
import sys

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "browser"))
from export import read

config, weights = read(pathlib.Path(sys.argv[1]))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[2], options)
embedding, head = weights["embed_tokens.embedding_weight"], weights["lm_head.weight"]
shape = (config["seq_len"], config["hidden_size"])
app = FastAPI()


class Question(BaseModel):
    question: str


@app.post("/v1/solve")
def solve(asked: Question):
    tokens = [1 if sign in ".0" else int(sign) + 1 for sign in asked.question]
    x = (embedding[tokens] * numpy.sqrt(shape[1])).astype(numpy.float32)
    z_h, z_l = (numpy.broadcast_to(weights[name], shape).copy() for name in ("H_init", "L_init"))
    for _ in range(config["halt_max_steps"]):
        z_h, z_l = session.run(None, {"x": x, "z_H": z_h, "z_L": z_l})
    answer = (z_h @ head.T).argmax(-1)
    return {"answer": "".join(str(max(0, token - 1)) for token in answer.tolist())}


uvicorn.run(app, port=int(sys.argv[3]), log_level="error")
