"""What the report shows: its sections, their figures and tables, and the facts on top."""


def report_section(name, title, *, figures=None, tables=()):
    """A section of the report: its text and tables, and figures as name of the plot -> title."""
    captions = {
        plot: plot.rstrip("_0123456789") for plot in figures or {}
    }  # event_display_signal_1
    return {
        "name": name,
        "title": title,
        "text_file": f"sections/{name}.md",
        "tables": [str(results.table(table)) for table in tables],
        "figures": [
            {"name": plot, "title": label, "caption_file": f"{captions[plot]}.md"}
            for plot, label in (figures or {}).items()
        ],
    }


def text_files(sections):
    """Texts and captions of sections."""
    names = [section["text_file"] for section in sections]
    names += [figure["caption_file"] for section in sections for figure in section["figures"]]
    return [source_file(f"report/{name}") for name in names]


def figure_files(sections):
    """PNG and PDF files of the figures of sections."""
    names = [figure["name"] for section in sections for figure in section["figures"]]
    return [results.plot(name, kind) for name in names for kind in ("png", "pdf")]


def display_names(kind):
    """Plots of the events of a kind, name -> title."""
    numbers = range(1, config["plots"]["n_event_displays"] + 1)
    return {
        f"event_display_{kind}_{number}": f"Event display: {kind} {number}" for number in numbers
    }


def report_facts():
    """What stands on top of the report."""
    grid, channels = config["images"]["grid"], config["images"]["channels"]
    return {
        "Signal": ", ".join(analysis.titles_of_label(1)),
        "Background": ", ".join(analysis.titles_of_label(0)),
        "Luminosity": f"{config['luminosity_fb']} /fb",
        "Images": f"{grid[0]} x {grid[1]} cells; {', '.join(channels)}",
        "Models": ", ".join(f"{model} ({len(seeds)})" for model, seeds in analysis.seeds.items()),
    }


def report_placeholders():
    """What the texts of the report name."""
    images = config["images"]
    return {
        "luminosity_fb": config["luminosity_fb"],
        "signal": analysis.titles_of_label(1),
        "background": analysis.titles_of_label(0),
        "grid": images["grid"],
        "eta_max": max(map(abs, images["eta_edges"] or images["eta_range"])),
        "channels": images["channels"],
        "models": list(analysis.models),
        "n_models": len(analysis.models),
        "n_networks": sum(map(len, analysis.seeds.values())),
        "fat_jet_eta_max": config["fat_jets"]["eta_max"],
        "variations": [name.replace("_", " ") for name in analysis.variations if name != "nominal"],
        "preselection": config["selection"]["preselection"],
        "signal_region": config["selection"]["signal_region"],
    }


DISPLAYS = display_names("signal") | display_names("background")
NUMBERED = range(1, config["plots"]["n_event_displays"] + 1)
EXTREMES = {
    f"signal_like_background_{n}": f"Background with the highest output: {n}" for n in NUMBERED
}
EXTREMES |= {f"background_like_signal_{n}": f"Signal with the lowest output: {n}" for n in NUMBERED}
LIMIT_PLOTS = ["limits_against_mass"] if analysis.reach_samples else []
REPORT = [
    report_section("data", "Data", tables=["samples"]),
    report_section("selection", "Selection", figures={"cut_flow": "Cut flow"}, tables=["cut_flow"]),
    report_section("images", "Images", figures={"mean_images": "Mean images"} | DISPLAYS),
    report_section("training", "Training", figures={"learning_curves": "Learning curves"}),
    report_section(
        "performance",
        "Performance",
        figures={
            "roc": "ROC curves",
            "cnn_vs_n_fat_jets": "CNN output against the number of fat jets",
            "cnn_vs_mj_sum": "CNN output against the summed jet mass",
            "combination_gain": "Gain from combining",
            "scores": "CNN output",
            "calibration": "Calibration",
            "correlations": "Correlation with the jet variables",
            "mass_sculpting": "Summed jet mass of the background after cuts",
            "model_comparison": "Models at the working points",
            "model_comparison_unweighted": "Models at the working points, every event counts 1",
            "model_roc": "ROC curves of the models",
            "model_roc_unweighted": "ROC curves of the models, every event counts 1",
        },
        tables=["comparison", "summary"],
    ),
    report_section(
        "attention",
        "What the network sees",
        figures={"attributions": "Integrated gradients"} | EXTREMES,
    ),
    report_section(
        "reach",
        "Reach",
        figures={"reach": "Expected significance and limits"}
        | dict.fromkeys(LIMIT_PLOTS, "Limits against the mass"),
        tables=["reach"],
    ),
]
NUMBERS = ["samples", "summary", "comparison", "models", "baselines", "diagnostics", "reach"]
if analysis.variations:
    REPORT.append(
        report_section(
            "robustness",
            "Robustness",
            figures={"robustness": "Other detectors"},
            tables=["robustness"],
        )
    )
    NUMBERS.append("robustness")

RESULT_SECTIONS = list(REPORT)  # what the summary of the run waits for
REPORT.append(
    report_section("run", "Run", figures={"run_summary": "Time and memory"}, tables=["run_summary"])
)

REPORT_FILES = {
    "All numbers, CSV": str(results.all_numbers),
    "HEPData submission": str(results.hepdata / "submission.yaml"),
    **{f"{name}.json": str(results.numbers(name)) for name in [*NUMBERS, "run_summary"]},
}
