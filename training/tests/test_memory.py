import ctypes

from training.memory import M_MMAP_MAX, keep_freed_memory


def test_changes_glibc_and_nothing_where_there_is_none(monkeypatch):
    set_options = {}
    library = type("glibc", (), {"mallopt": staticmethod(set_options.__setitem__)})
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    keep_freed_memory()
    assert set_options[M_MMAP_MAX] == 0
    assert len(set_options) == 3

    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    keep_freed_memory()
