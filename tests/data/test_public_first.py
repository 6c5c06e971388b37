"""What is read of a package that does not fit the cap: what its users use."""

from groundup.data.public_first import public_first
from groundup.data.python_sources import chosen_distributions, distribution_files
from groundup.data.sources import SourceFile


def package(tmp_path, files):
    made = {}
    for name, text in files.items():
        module, is_package = name.removesuffix("/"), name.endswith("/")
        path = tmp_path / (name.replace("/", ".init") + ".py")
        path.write_text(text.ljust(1000, "#"))
        made[module] = SourceFile(
            str(path), name, "python-source", "dist:p", "", "MIT", "", module, is_package
        )
    return made


def test_everything_is_kept_where_it_fits(tmp_path):
    code = package(tmp_path, {"p/": "", "p.b": "", "p._a": ""})
    assert [file.module for file in public_first(code, 3000)] == ["p", "p._a", "p.b"]


def test_reexported_and_mentioned_come_before_private_and_unused(tmp_path):
    code = package(
        tmp_path,
        {
            "p/": "from ._core import shown\n",
            "p._core": '"""See `p.used.Thing`."""',
            "p._hidden": "",
            "p.aaa.x": "",
            "p.aaa.y": "",
            "p.used.x": "",
            "p.used.y": "",
            "p.used.z": "",
        },
    )
    kept = [file.module for file in public_first(code, 6000)]
    assert set(kept) == {"p", "p._core", "p.aaa.x", "p.used.x", "p.used.y", "p.used.z"}


def test_what_people_use_of_torch_and_scipy_is_read():
    asked = {
        "torch": ("torch.nn.modules.linear", "torch.nn.functional", "torch._torch_docs"),
        "scipy": ("scipy.stats._continuous_distns", "scipy.optimize._minimize"),
    }
    for name, modules in asked.items():
        (distribution,) = chosen_distributions((name,))
        kept = {file.module for file in distribution_files(distribution, 8.0)}
        assert set(modules) <= kept
