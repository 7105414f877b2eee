"""What counts of the values of well-known libraries.

Registered by public name and only once a value of one of these libraries is met, so that none of
them is imported for it. Each function gives plain values that tell two objects apart just when
they differ in something but the way they lie in memory.
"""

# pyright: basic, reportMissingImports=false

from __future__ import annotations

from typing import Any

from rememo._core import register


def _arrow_type(kind: Any) -> list[object]:
    return [str(kind)]


def _arrow_schema(schema: Any) -> list[object]:
    fields = [[field.name, str(field.type), field.nullable, field.metadata] for field in schema]
    return [fields, schema.metadata]


def _arrow_array(array: Any) -> list[object]:
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # more than one chunk can hold
        return [str(array.type), array.to_pylist()]
    kind = array.type
    if pa.types.is_dictionary(kind):
        return [str(kind), _arrow_array(array.indices), _arrow_array(array.dictionary)]
    if len(array) and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return _arrow_text(array)
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind)
    if not plain or pa.types.is_interval(kind):
        return [str(kind), array.to_pylist()]
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    width = getattr(pa, f"int{kind.bit_width}")()
    numbers = array.view(width).fill_null(0)
    return [str(kind), nulls, numbers.to_numpy(zero_copy_only=False)]


def _arrow_text(array: Any) -> list[object]:
    """Nulls, lengths and content: what lies behind the nulls is noise."""
    import numpy as np
    import pyarrow as pa

    text = array.cast(pa.large_binary()).fill_null(b"")
    _, offsets, content = text.buffers()
    ends = np.frombuffer(offsets, "<i8")[text.offset : text.offset + len(text) + 1]
    used = content.slice(ends[0], ends[-1] - ends[0]).to_pybytes() if content else b""
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    return [str(array.type), nulls, np.diff(ends), used]


def _arrow_table(table: Any) -> list[object]:
    return [_arrow_schema(table.schema), [_arrow_array(column) for column in table.columns]]


def _arrow_scalar(scalar: Any) -> list[object]:
    return [str(scalar.type), scalar.as_py()]


def _polars_series(series: Any) -> list[object]:
    dtype = series.dtype
    if dtype.is_numeric() or dtype.is_temporal():
        nulls = series.is_null().to_numpy()
        numbers = series.to_physical().fill_null(0)
        return [series.name, str(dtype), nulls, numbers.to_numpy()]
    return [series.name, str(dtype), series.to_list()]


def _polars_frame(frame: Any) -> list[object]:
    return [_polars_series(series) for series in frame.get_columns()]


def _sparse(matrix: Any) -> list[object]:
    entries = matrix.tocoo(copy=True)
    entries.sum_duplicates()
    return [matrix.shape, *entries.coords, entries.data]


def _tensor(tensor: Any) -> list[object]:
    import torch

    if tensor.is_quantized or tensor.layout != torch.strided:
        raise TypeError("only dense, unquantized tensors have a fingerprint")
    plain = tensor.detach().cpu().contiguous()
    raw = plain.reshape(-1).view(torch.uint8).numpy() if plain.numel() else b""
    device = tensor.device.type
    return [str(tensor.dtype), tuple(tensor.shape), device, tensor.requires_grad, raw]


def _variable(variable: Any) -> list[object]:
    return [variable.dims, variable.values, dict(variable.attrs)]


def _data_array(array: Any) -> list[object]:
    coords = {name: _variable(coord.variable) for name, coord in array.coords.items()}
    return [array.name, _variable(array.variable), coords]


def _dataset(dataset: Any) -> list[object]:
    variables = {name: _variable(variable) for name, variable in dataset.variables.items()}
    return [variables, sorted(map(str, dataset.coords)), dict(dataset.attrs)]


def _graph(graph: Any) -> list[object]:
    adjacency = {node: dict(neighbours) for node, neighbours in graph.adjacency()}
    before = {node: list(graph.pred[node]) for node in graph} if graph.is_directed() else None
    return [graph.graph, dict(graph.nodes(data=True)), adjacency, before]


def _image(image: Any) -> list[object]:
    palette = image.getpalette(None) if image.mode in {"P", "PA"} else None
    return [image.mode, image.size, palette, dict(image.info), image.tobytes()]


# What transforms remember of those made from them, and of what they computed.
_OF_TRANSFORMS = {"_inverted", "_invalid", "_mtx", "_parents"}
# Where pyplot has a figure in its list.
_OF_PYPLOT = {"_number", "_restore_to_pylab"}


def _figure(figure: Any) -> list[object]:
    state = {name: held for name, held in figure.__getstate__().items() if name not in _OF_PYPLOT}
    return [type(figure), dict(sorted(state.items()))]


def _transform(node: Any) -> list[object]:
    state = {name: held for name, held in vars(node).items() if name not in _OF_TRANSFORMS}
    return [type(node), dict(sorted(state.items()))]


def _callbacks(registry: Any) -> list[object]:
    signals: Any = vars(registry)["_signals"] or ()
    return sorted(signals)


for _name, _freeze in {
    "PIL.Image.Image": _image,
    "matplotlib.cbook.CallbackRegistry": _callbacks,
    "matplotlib.figure.Figure": _figure,
    "matplotlib.transforms.TransformNode": _transform,
    "networkx.Graph": _graph,
    "polars.DataFrame": _polars_frame,
    "polars.Series": _polars_series,
    "pyarrow.Array": _arrow_array,
    "pyarrow.ChunkedArray": _arrow_array,
    "pyarrow.DataType": _arrow_type,
    "pyarrow.RecordBatch": _arrow_table,
    "pyarrow.Scalar": _arrow_scalar,
    "pyarrow.Schema": _arrow_schema,
    "pyarrow.Table": _arrow_table,
    "scipy.sparse.sparray": _sparse,
    "scipy.sparse.spmatrix": _sparse,
    "torch.Tensor": _tensor,
    "xarray.DataArray": _data_array,
    "xarray.Dataset": _dataset,
    "xarray.Variable": _variable,
}.items():
    register(_name, _freeze, version="2")
