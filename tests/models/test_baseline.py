from __future__ import annotations

from models import FULL_BATCH, as_written, baseline, published


def test_the_baseline_is_the_published_recipe() -> None:
    model, train = baseline()
    assert (model.embedding_size, model.units) == (15, (128, 64, 32))
    assert model.dropout == (0.6, 0.5, 0.0)
    assert (model.l2_kernel, model.l2_embedding, model.output_bias) == (0.01, 0.0, 7.0)
    assert (train.optimizer, train.learning_rate, train.batch_size) == ("adam", 0.01, FULL_BATCH)
    assert (train.epochs, train.patience, train.min_delta) == (100, 30, 0.001)
    assert train.overfit_patience == 0
    assert published()["recipe"]["output_bias"] == model.output_bias


def test_as_written_differs_in_its_layers_alone() -> None:
    assert as_written()[1] == baseline()[1]
    assert as_written()[0].units == (128, 64, 32, 16)
    assert as_written()[0].dropout == (0.6, 0.5, 0.4, 0.0)
