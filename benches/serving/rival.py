"""What people write today: FastAPI around ONNX Runtime, sixteen fixed steps. MODEL.json MODEL.onnx, as benches/browser/export.py makes them."""

import json
import sys

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

about = json.load(open(sys.argv[1]))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 2
session = onnxruntime.InferenceSession(sys.argv[2], options)
app = FastAPI()


class Question(BaseModel):
    question: str


@app.post("/solve")
def solve(question: Question):
    tokens = numpy.array([[1 if c in ".0" else int(c) + 1 for c in question.question]], dtype=numpy.int64)
    inputs = {i.name: i for i in session.get_inputs()}
    state = {n: numpy.zeros([d if isinstance(d, int) else 1 for d in i.shape], numpy.float32) for n, i in inputs.items() if "int" not in i.type}
    names = [o.name for o in session.get_outputs()]
    first = next(n for n, i in inputs.items() if "int" in i.type)
    for _ in range(16):
        out = dict(zip(names, session.run(None, {first: tokens, **state})))
        state = {n: next(v for k, v in out.items() if k.startswith(n)) for n in state}
    answer = next(v for k, v in out.items() if "logits" in k)[0].argmax(-1)
    return {"answer": "".join(str(max(0, int(t) - 1)) for t in answer)}


uvicorn.run(app, port=int(sys.argv[3]), log_level="error")
