"""Gives each tensor back, whatever its type."""

from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Types(MLModel):
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        outputs = [
            ResponseOutput(
                name=f"{one.name}_back", datatype=one.datatype, shape=one.shape, data=one.data
            )
            for one in payload.inputs
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
