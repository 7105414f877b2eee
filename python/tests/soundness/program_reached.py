"""Programs that reach code and variables by names in texts and in files."""

from __future__ import annotations

Edited = dict[str, tuple[str, str, str, str] | tuple[str, str, str, str, str]]
Changed = dict[str, tuple[str, str, list[str]]]

HIT, MISS = "hit", "stored"

_MODEL = "class Model:\n    k = 1\n    def predict(self): return self.k + 10\n"
_SAVED = "P = os.path.join(os.path.dirname(__file__), 'saved')\nif not os.path.exists(P): {}\n"
_PICKLED = (
    f"import os, pickle, h\n{_SAVED.format('pickle.dump(h.Model(), open(P, ' + repr('wb') + '))')}"
)
_LOADS = "@memoize\ndef f(x):\n    with open(P, 'rb') as file: return pickle.load(file).predict()\n"
_ACCESSOR = (
    "@{}('geo')\nclass Geo:\n    def __init__(self, data): pass\n    def size(self): return 10\n"
)
_PLUGIN = "@memoize\ndef f(x):\n    spec = importlib.util.spec_from_file_location('plug', P)\n    module = importlib.util.module_from_spec(spec)\n    spec.loader.exec_module(module)\n    return module.g()\n"
_BESIDE = "P = os.path.join(os.path.dirname(__file__), 'plug.py')\n"

# name: (text of module `m`, then others below `# file` lines; what an edit replaces; by what; what
# must happen then)
EDITED: Edited = {
    "class of what a pickle holds": (
        f"{_PICKLED}{_LOADS}# file h.py\n{_MODEL}",
        "self.k + 10",
        "self.k + 11",
        MISS,
    ),
    "helper of a class that a pickle names": (
        f"{_PICKLED}{_LOADS}# file h.py\nimport i\nclass Model:\n    def predict(self): return i.g()\n# file i.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "comment in a class that a pickle names": (
        f"{_PICKLED}{_LOADS}# file h.py\n{_MODEL}# a\n",
        "# a",
        "# b",
        HIT,
    ),
    "other class beside one that a pickle names": (
        f"{_PICKLED}{_LOADS}# file h.py\n{_MODEL}class Other: n = 12\n",
        "12",
        "13",
        HIT,
    ),
    "class of a module that is named like one of the interpreter's": (
        f"import os, sys\nsys.modules.pop('sched', None)\nsys.path.insert(0, os.path.dirname(__file__))\nimport pickle, sched\n{_SAVED.format('pickle.dump(sched.Model(), open(P, ' + repr('wb') + '))')}{_LOADS}# file sched.py\n{_MODEL}",
        "self.k + 10",
        "self.k + 11",
        MISS,
    ),
    "function that a pickle names": (
        f"import os, pickle, h\n{_SAVED.format('pickle.dump(h.g, open(P, ' + repr('wb') + '))')}@memoize\ndef f(x):\n    with open(P, 'rb') as file: return pickle.load(file)()\n# file h.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "class of what joblib saved": (
        f"import os, joblib, h\n{_SAVED.format('joblib.dump(h.Model(), P)')}@memoize\ndef f(x): return joblib.load(P).predict()\n# file h.py\n{_MODEL}",
        "self.k + 10",
        "self.k + 11",
        MISS,
    ),
    "class of what numpy saved": (
        f"import os, numpy as np, h\n{_SAVED.format('np.save(open(P, ' + repr('wb') + '), np.array([h.Model()], dtype=object))')}@memoize\ndef f(x): return np.load(P, allow_pickle=True)[0].predict()\n# file h.py\n{_MODEL}",
        "self.k + 10",
        "self.k + 11",
        MISS,
    ),
    "class of what pandas saved": (
        f"import os, pandas as pd, h\n{_SAVED.format('pd.to_pickle(pd.Series([h.Model()]), P)')}@memoize\ndef f(x): return pd.read_pickle(P)[0].predict()\n# file h.py\n{_MODEL}",
        "self.k + 10",
        "self.k + 11",
        MISS,
    ),
    "class that a document names": (
        "import yaml\nT = '!!python/object:h.Model {}'\n@memoize\ndef f(x): return yaml.unsafe_load(T).predict()\n# file h.py\n"
        + _MODEL,
        "self.k + 10",
        "self.k + 11",
        MISS,
    ),
    "step imported by a computed name": (
        "import importlib\n@memoize\ndef f(x): return importlib.import_module(f'h{x}').g()\n# file h1.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "helper of a step imported by a computed name": (
        "from importlib import import_module\n@memoize\ndef f(x): return import_module(f'h{x}').g()\n# file h1.py\nfrom i import k\ndef g(): return k()\n# file i.py\ndef k(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "comment in a step imported by a computed name": (
        "import importlib\n@memoize\ndef f(x): return importlib.import_module(f'h{x}').g()\n# file h1.py\ndef g(): return 10 # a\n",
        "# a",
        "# b",
        HIT,
    ),
    "relative import by a computed name": (
        "import importlib, s\n@memoize\ndef f(x): return importlib.import_module(f'.h{x}', 's').g()\n# file s/__init__.py\n# file s/h1.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "import function, computed name": (
        "@memoize\ndef f(x): return __import__(f'h{x}').g()\n# file h1.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "object located by its name": (
        "import pydoc\n@memoize\ndef f(x): return pydoc.locate(f'h{x}.g')()\n# file h1.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "object resolved by its name": (
        "import pkgutil\n@memoize\ndef f(x): return pkgutil.resolve_name(f'h{x}:g')()\n# file h1.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "module loaded from its path": (
        f"import importlib.util, os\n{_BESIDE}{_PLUGIN}# file plug.py\ndef g(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "helper of a module loaded from its path": (
        f"import importlib.util, os\n{_BESIDE}{_PLUGIN}# file plug.py\nimport h\ndef g(): return h.k()\n# file h.py\ndef k(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "helper of a script that is run": (
        f"import runpy, os\n{_BESIDE}@memoize\ndef f(x): return runpy.run_path(P)['r']\n# file plug.py\nfrom h import k\nr = k()\n# file h.py\ndef k(): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "global in the text of eval": (
        "K = 10\n@memoize\ndef f(x): return eval('K + x')\n",
        "10",
        "11",
        MISS,
    ),
    "function in the text of eval": (
        "import h\n@memoize\ndef f(x): return eval(f'h.g({x})')\n# file h.py\ndef g(x): return 10\n",
        "10",
        "11",
        MISS,
    ),
    "import in the text of exec": (
        "@memoize\ndef f(x):\n    d = {}\n    exec('import h\\nr = h.K', d)\n    return d['r']\n# file h.py\nK = 10\n",
        "10",
        "11",
        MISS,
    ),
    "global that the text of eval does not name": (
        "K = 10\nN = 20\n@memoize\ndef f(x): return eval('K + x')\n",
        "20",
        "21",
        HIT,
    ),
    "global in a query": (
        "import pandas as pd\nK = 10\n@memoize\ndef f(x): return len(pd.DataFrame({'a': range(20)}).query('a > @K'))\n",
        "10",
        "11",
        MISS,
    ),
    "global in the text of DataFrame.eval": (
        "import pandas as pd\nfrom h import K\n@memoize\ndef f(x): return int(pd.DataFrame({'a': range(20)}).eval('a * @K').sum())\n# file h.py\nK = 10\n",
        "10",
        "11",
        MISS,
    ),
    "global in the text of pandas.eval": (
        "import pandas as pd\nK = 10\n@memoize\ndef f(x):\n    a = pd.Series(range(3))\n    return int(pd.eval('a * K').sum())\n",
        "10",
        "11",
        MISS,
    ),
    "global in the text of numexpr": (
        "import numexpr, numpy as np\nK = 10\n@memoize\ndef f(x):\n    a = np.arange(3)\n    return int(numexpr.evaluate('a * K').sum())\n",
        "10",
        "11",
        MISS,
    ),
    "local in a query": (
        "import pandas as pd\nK = 10\n@memoize\ndef f(x):\n    K = 5\n    return len(pd.DataFrame({'a': range(20)}).query('a > @K'))\n",
        "K = 10",
        "K = 11",
        HIT,
    ),
    "accessor of a DataFrame": (
        "import pandas as pd, h\n@memoize\ndef f(x): return pd.DataFrame({'a': [1]}).geo.size()\n# file h.py\nimport pandas as pd\n"
        + _ACCESSOR.format("pd.api.extensions.register_dataframe_accessor"),
        "10",
        "11",
        MISS,
    ),
    "accessor of a Series": (
        "import pandas as pd, h\n@memoize\ndef f(x): return pd.Series([1]).geo.size()\n# file h.py\nimport pandas as pd\n"
        + _ACCESSOR.format("pd.api.extensions.register_series_accessor"),
        "10",
        "11",
        MISS,
    ),
    "accessor of a Dataset": (
        "import xarray as xr, h\n@memoize\ndef f(x): return xr.Dataset().geo.size()\n# file h.py\nimport xarray as xr\n"
        + _ACCESSOR.format("xr.register_dataset_accessor"),
        "10",
        "11",
        MISS,
    ),
}

# name: (text of module `m`; calls in one process; what must happen)
CHANGED: Changed = {
    "class that a pickle names, changed": (
        f"{_PICKLED}{_LOADS}def change(): h.Model.k = 2\n# file h.py\n{_MODEL}",
        "[m.f(1), m.f(1), m.change(), m.f(1), m.f(1)]",
        [MISS, HIT, MISS, HIT],
    ),
    "module imported by a computed name": (
        "import h1, importlib\n@memoize\ndef f(x): return importlib.import_module(f'h{x}').K\ndef change(): h1.K = 2\n# file h1.py\nK = 1\n",
        "[m.f(1), m.f(1), m.change(), m.f(1), m.f(1)]",
        [MISS, HIT, MISS, HIT],
    ),
    "module imported by a name in a global": (
        "import h, importlib\nN = 'h'\n@memoize\ndef f(x): return importlib.import_module(N).K\ndef change(): h.K = 2\n# file h.py\nK = 1\n",
        "[m.f(1), m.f(1), m.change(), m.f(1), m.f(1)]",
        [MISS, HIT, MISS, HIT],
    ),
    "module that is there at last, by a computed name": (
        "import importlib, sys, types\n@memoize\ndef f(x):\n    try: return importlib.import_module(f'h{x}').K\n    except ImportError: return 0\ndef change():\n    sys.modules['h1'] = types.ModuleType('h1')\n    sys.modules['h1'].K = 1\n",
        "[m.f(1), m.f(1), m.change(), m.f(1), m.f(1)]",
        [MISS, HIT, MISS, HIT],
    ),
    "value that eval reaches": (
        "K = 1\n@memoize\ndef f(x): return eval('K')\ndef change():\n    global K\n    K = 2\n",
        "[m.f(1), m.f(1), m.change(), m.f(1), m.f(1)]",
        [MISS, HIT, MISS, HIT],
    ),
    "value that exec reaches": (
        "K = 1\n@memoize\ndef f(x):\n    r = []\n    exec('r.append(K)')\n    return r\ndef change():\n    global K\n    K = 2\n",
        "[m.f(1), m.f(1), m.change(), m.f(1), m.f(1)]",
        [MISS, HIT, MISS, HIT],
    ),
    "value that a query reaches": (
        "import pandas as pd\nK = 1\n@memoize\ndef f(x): return len(pd.DataFrame({'a': range(9)}).query('a > @K'))\ndef change():\n    global K\n    K = 2\n",
        "[m.f(1), m.f(1), m.change(), m.f(1), m.f(1)]",
        [MISS, HIT, MISS, HIT],
    ),
    "value that eval reaches, of code that is in no module": (
        "import types\nfrom rememo import memoize as m\nD = {'__name__': __name__, 'm': m, 'K': 1}\nexec(\"@m\\ndef f(x): return eval('K + x')\", D)\ndef f(x): return D['f'](x)\ndef change(): D['K'] = 2\n",
        "[m.f(1), m.f(1), m.change(), m.f(1)]",
        ["not_stored", "not_stored", "not_stored"],
    ),
    "value that a query reaches, of code that is in no module": (
        "import pandas as pd\nfrom rememo import memoize as m\nD = {'__name__': __name__, 'm': m, 'pd': pd, 'K': 1}\nexec(\"@m\\ndef f(x): return len(pd.DataFrame({'a': range(9)}).query('a > @K'))\", D)\ndef f(x): return D['f'](x)\ndef change(): D['K'] = 2\n",
        "[m.f(1), m.f(1), m.change(), m.f(1)]",
        ["not_stored", "not_stored", "not_stored"],
    ),
    "module without a fingerprint, imported by a computed name": (
        "import h1, importlib\n@memoize\ndef f(x): return importlib.import_module(f'h{x}').K\n# file h1.py\nimport threading\nK = 1\nL = threading.Lock()\n",
        "[m.f(1), m.f(1)]",
        ["not_stored", "not_stored"],
    ),
}
