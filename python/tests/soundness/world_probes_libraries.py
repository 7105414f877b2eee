"""Functions that read and write files by libraries; as in `world_probes` and
`world_probes_effects`."""

from __future__ import annotations

SAME = ("pass", "hit")
Steps = list[tuple[str, str]]
# A probe that reads: what makes its file, with the number N in it, and the body of the function.
_READS: dict[str, tuple[str, str]] = {
    "numpy.load": (
        "import numpy; numpy.save('x.npy', [N])",
        "import numpy; return numpy.load('x.npy').tolist()",
    ),
    "numpy.load, mapped": (
        "import numpy; numpy.save('x.npy', [N])",
        "import numpy; return numpy.load('x.npy', mmap_mode='r').tolist()",
    ),
    "numpy.memmap": (
        "import numpy; numpy.array([N]).tofile('x')",
        "import numpy; return numpy.memmap('x', dtype='int64', mode='r').tolist()",
    ),
    "numpy.fromfile": (
        "import numpy; numpy.array([N]).tofile('x')",
        "import numpy; return numpy.fromfile('x', dtype='int64').tolist()",
    ),
    "numpy.savez": (
        "import numpy; numpy.savez('x.npz', a=[N])",
        "import numpy; return numpy.load('x.npz')['a'].tolist()",
    ),
    "numpy.genfromtxt": (
        "write('x', 'N 7')",
        "import numpy; return numpy.genfromtxt('x').tolist()",
    ),
    "pandas.read_csv": (
        "write('x.csv', 'a,b\\nN,2')",
        "import pandas; return pandas.read_csv('x.csv', engine='c').values.tolist()",
    ),
    "pandas.read_csv in Python": (
        "write('x.csv', 'a,b\\nN,2')",
        "import pandas; return pandas.read_csv('x.csv', engine='python').values.tolist()",
    ),
    "pandas.read_csv by pyarrow": (
        "write('x.csv', 'a,b\\nN,2')",
        "import pandas; return pandas.read_csv('x.csv', engine='pyarrow').values.tolist()",
    ),
    "pandas.read_csv, compressed": (
        "import gzip; gzip.open('x.csv.gz', 'wt').write('a\\nN')",
        "import pandas; return pandas.read_csv('x.csv.gz').values.tolist()",
    ),
    "pandas.read_json": (
        "write('x.json', '[{\"a\": N}]')",
        "import pandas; return pandas.read_json('x.json').values.tolist()",
    ),
    "pandas.read_pickle": (
        "import pandas; pandas.DataFrame({'a': [N]}).to_pickle('x')",
        "import pandas; return pandas.read_pickle('x').values.tolist()",
    ),
    "pandas.read_parquet": (
        "import pandas; pandas.DataFrame({'a': [N]}).to_parquet('x')",
        "import pandas; return pandas.read_parquet('x').values.tolist()",
    ),
    "pyarrow.parquet": (
        "import pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'a': [N]}), 'x')",
        "import pyarrow.parquet as p; return p.read_table('x').to_pylist()",
    ),
    "pyarrow.parquet.ParquetFile": (
        "import pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'a': [N]}), 'x')",
        "import pyarrow.parquet as p; return p.ParquetFile('x').read().to_pylist()",
    ),
    "pyarrow.dataset": (
        "import pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'a': [N]}), 'd/x')",
        "import pyarrow.dataset as d; return d.dataset(['d/x']).to_table().to_pylist()",
    ),
    "pyarrow.csv": (
        "write('x', 'a\\nN')",
        "import pyarrow.csv; return pyarrow.csv.read_csv('x').to_pylist()",
    ),
    "pyarrow.json": (
        "write('x', '{\"a\": N}')",
        "import pyarrow.json; return pyarrow.json.read_json('x').to_pylist()",
    ),
    "pyarrow.feather": (
        "import pyarrow, pyarrow.feather as p; p.write_feather(pyarrow.table({'a': [N]}), 'x')",
        "import pyarrow.feather as p; return p.read_table('x').to_pylist()",
    ),
    "pyarrow.feather, not mapped": (
        "import pyarrow, pyarrow.feather as p; p.write_feather(pyarrow.table({'a': [N]}), 'x')",
        "import pyarrow.feather as p; return p.read_feather('x', memory_map=False).values.tolist()",
    ),
    "pyarrow.orc": (
        "import pyarrow, pyarrow.orc as p; p.write_table(pyarrow.table({'a': [N]}), 'x')",
        "import pyarrow.orc as p; return p.ORCFile('x').read().to_pylist()",
    ),
    "pyarrow.orc.read_table": (
        "import pyarrow, pyarrow.orc as p; p.write_table(pyarrow.table({'a': [N]}), 'x')",
        "import pyarrow.orc as p; return p.read_table('x').to_pylist()",
    ),
    "pyarrow.ipc": (
        (
            "import pyarrow as p; t = p.table({'a': [N]})\n"
            "with p.ipc.new_file('x', t.schema) as w: w.write_table(t)"
        ),
        "import pyarrow as p; return p.ipc.open_file('x').read_all().to_pylist()",
    ),
    "pyarrow.OSFile": ("write('x', 'N')", "import pyarrow; return pyarrow.OSFile('x').read()"),
    "pyarrow.OSFile, by keyword": (
        "write('x', 'N')",
        "import pyarrow; return pyarrow.OSFile(path='x', mode='r').read()",
    ),
    "pyarrow.input_stream": (
        "write('x', 'N')",
        "import pyarrow; return pyarrow.input_stream('x').read()",
    ),
    "tables": (
        "import tables; f = tables.open_file('x', 'w'); f.create_array('/', 'a', [N]); f.close()",
        "import tables\n    with tables.open_file('x') as f: return f.root.a.read()",
    ),
    "pandas.read_hdf": (
        "import pandas; pandas.DataFrame({'a': [N]}).to_hdf('x', key='k', mode='w')",
        "import pandas; return pandas.read_hdf('x').values.tolist()",
    ),
    "netCDF4": (
        (
            "import netCDF4; f = netCDF4.Dataset('x', 'w'); f.createDimension('d', 1)\n"
            "f.createVariable('a', 'i4', ('d',))[:] = N; f.close()"
        ),
        "import netCDF4\n    with netCDF4.Dataset('x') as f: return f['a'][:].tolist()",
    ),
    "xarray by netCDF4": (
        "import xarray; xarray.Dataset({'a': ('d', [N])}).to_netcdf('x.nc', engine='netcdf4')",
        (
            "import xarray\n"
            "    with xarray.open_dataset('x.nc', engine='netcdf4') as d: return d['a'].values.tolist()"
        ),
    ),
    "pyarrow.memory_map": (
        "write('x', 'N')",
        "import pyarrow; return pyarrow.memory_map('x').read()",
    ),
    "pyarrow, a file that Python opens": (
        "import pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'a': [N]}), 'x')",
        "import pyarrow.parquet\n    with open('x', 'rb') as file: return pyarrow.parquet.read_table(file).to_pylist()",
    ),
    "pyarrow, a file that is tracked": (
        "import pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'a': [N]}), 'x')",
        (
            "import pyarrow.parquet; from rememo import track\n"
            "    return pyarrow.parquet.read_table(track('x')).to_pylist()"
        ),
    ),
    "pyarrow, a map that is tracked": (
        "write('x', 'N')",
        "import pyarrow; from rememo import track; return pyarrow.memory_map(track('x')).read()",
    ),
    "PIL": (
        "from PIL import Image; Image.new('L', (2, 2), N).save('x.png')",
        "from PIL import Image; return Image.open('x.png').tobytes()",
    ),
    "zipfile": (
        "import zipfile; z = zipfile.ZipFile('x', 'w'); z.writestr('a', 'N'); z.close()",
        "import zipfile; return zipfile.ZipFile('x').read('a')",
    ),
    "tarfile": (
        "import tarfile; write('y', 'N'); t = tarfile.open('x', 'w'); t.add('y'); t.close()",
        "import tarfile; return tarfile.open('x').extractfile('y').read()",
    ),
    "gzip": (
        "import gzip; f = gzip.open('x', 'wt'); f.write('N'); f.close()",
        "import gzip; return gzip.open('x', 'rt').read()",
    ),
    "bz2": (
        "import bz2; f = bz2.open('x', 'wt'); f.write('N'); f.close()",
        "import bz2; return bz2.open('x', 'rt').read()",
    ),
    "lzma": (
        "import lzma; f = lzma.open('x', 'wt'); f.write('N'); f.close()",
        "import lzma; return lzma.open('x', 'rt').read()",
    ),
    "mmap": (
        "write('x', 'N')",
        (
            "import mmap\n    with open('x', 'rb') as file:\n"
            "        return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)[:]"
        ),
    ),
    "sqlite3": (
        (
            "import sqlite3; c = sqlite3.connect('x'); c.execute('create table if not exists t (n)')\n"
            "c.execute('insert into t values (N)'); c.commit(); c.close()"
        ),
        (
            "import sqlite3; c = sqlite3.connect('x')\n"
            "    try: return c.execute('select sum(n) from t').fetchall()\n    finally: c.close()"
        ),
    ),
    "csv": ("write('x', 'a,N')", "import csv; return list(csv.reader(open('x')))"),
    "pickle": (
        "import pickle; pickle.dump(N, open('x', 'wb'))",
        "import pickle; return pickle.load(open('x', 'rb'))",
    ),
    "tomllib": ("write('x', 'a = N')", "import tomllib; return tomllib.load(open('x', 'rb'))"),
    "xml": (
        "write('x', '<a>N</a>')",
        "import xml.etree.ElementTree as E; return E.parse('x').getroot().text",
    ),
}


def _read(make: str, body: str) -> tuple[str, Steps]:
    one, two = make.replace("N", "1"), make.replace("N", "2")
    module = f"{one}\n@memoize\ndef f():\n    {body}\n"
    return module, [SAME, (two, "miss"), SAME, ("write('b', 'other')", "hit")]


LIBRARIES: dict[str, tuple[str, Steps]] = {name: _read(*probe) for name, probe in _READS.items()}


def _written(body: str, *names: str) -> tuple[str, Steps]:
    module = f"@memoize(effects=['files'])\ndef f():\n    {body}\n"
    # The first call may find nothing in the place of what it writes, and the second one something.
    return module, [
        ("pass", "any"),
        SAME,
        *[(f"os.remove({name!r})", "any") for name in names],
        SAME,
    ]


WRITES: dict[str, tuple[str, Steps]] = {
    "numpy.save": _written("import numpy; numpy.save('x.npy', [1, 2])", "x.npy"),
    "numpy.savetxt": _written("import numpy; numpy.savetxt('x', [1, 2])", "x"),
    "numpy.tofile": _written("import numpy; numpy.array([1, 2]).tofile('x')", "x"),
    "to_csv": _written("import pandas; pandas.DataFrame({'a': [1]}).to_csv('x.csv')", "x.csv"),
    "to_json": _written("import pandas; pandas.DataFrame({'a': [1]}).to_json('x.json')", "x.json"),
    "to_pickle": _written("import pandas; pandas.DataFrame({'a': [1]}).to_pickle('x')", "x"),
    "to_parquet": _written("import pandas; pandas.DataFrame({'a': [1]}).to_parquet('x')", "x"),
    "to_feather": _written("import pandas; pandas.DataFrame({'a': [1]}).to_feather('x')", "x"),
    "pyarrow.feather": _written(
        "import pyarrow, pyarrow.feather as p; p.write_feather(pyarrow.table({'a': [1]}), 'x')", "x"
    ),
    "pyarrow.orc": _written(
        "import pyarrow, pyarrow.orc as p; p.write_table(pyarrow.table({'a': [1]}), 'x')", "x"
    ),
    "pyarrow.OSFile": _written(
        "import pyarrow\n    with pyarrow.OSFile('x', 'wb') as file: file.write(b'1')", "x"
    ),
    "netCDF4": _written("import netCDF4; netCDF4.Dataset('x', 'w').close()", "x"),
    "PIL": _written("from PIL import Image; Image.new('L', (2, 2), 1).save('x.png')", "x.png"),
    "json": _written("import json\n    with open('x', 'w') as file: json.dump([1], file)", "x"),
    "csv": _written(
        "import csv\n    with open('x', 'w') as file: csv.writer(file).writerow([1, 2])", "x"
    ),
    "bz2": _written("import bz2\n    with bz2.open('x', 'wt') as file: file.write('x')", "x"),
    "copyfile": _written("shutil.copyfile('a', 'c')", "c"),
    "move": _written("write('y', 'x'); shutil.move('y', 'c')", "c"),
    "print": _written("with open('x', 'w') as file: print('x', file=file)", "x"),
}
