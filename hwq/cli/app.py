"""The command ``hwq``: finds the verb, parses its arguments, runs it, and turns every error into a message.

A verb is one module with one function ``command``, whose signature is the verb's arguments in typer's words and whose
docstring is its help. It returns ``None`` or an exit code, and raises HwqError for everything that is not as it should
be. Only the module of the verb that is asked for is imported.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from hwq import __version__
from hwq.cli import exit_codes
from hwq.cli.signals import Terminated, terminations
from hwq.cli.wrapping import wrapped
from hwq.errors import HwqError


@dataclass(frozen=True)
class Verb:
    """Where a verb is implemented, and one line about it for ``hwq --help``."""

    module: str
    summary: str


VERBS: dict[str, Verb] = {
    "inspect": Verb("hwq.cli.inspect", "Show a model's layers, shapes, MACs, quantization and accumulator bits."),
    "init": Verb("hwq.cli.init", "Write a commented project for a model, as small as holds it."),
    "run": Verb("hwq.cli.run", "Compute a model's outputs bit for bit, and its accuracy and speed."),
    "quantize": Verb("hwq.cli.quantize", "Make a quantized network of one of real numbers, without labels."),
    "contract": Verb("hwq.cli.contract", "Find which exact integer arithmetic a runtime does, layer by layer."),
    "certify": Verb("hwq.cli.certify", "Prove which accumulator widths hold every sum, and overflow the others."),
    "gen": Verb("hwq.cli.gen", "Write the Verilog, memory images and manifest of a project."),
    "verify": Verb("hwq.cli.verify", "Prove in simulation that a project's Verilog computes the emulator's bits."),
    "synth": Verb("hwq.cli.synth", "Synthesize a project for an FPGA: cells taken, clock frequency, critical path."),
    "check": Verb("hwq.cli.check", "Check a project against a device: time, energy, power, temperature, room."),
    "sweep": Verb("hwq.cli.sweep", "Evaluate many variants of a project: accuracy, exact cycles, memory."),
    "pareto": Verb("hwq.cli.pareto", "Show the points of a sweep that no other one beats in everything."),
    "best": Verb("hwq.cli.best", "Write the project of a sweep's best point that meets a condition."),
    "report": Verb("hwq.cli.report", "Write a sweep's results, or a project, as one HTML file with plots."),
    "demo": Verb("hwq.cli.demo", "Take a small trained network the whole way, from accuracy to matching Verilog."),
    "schema": Verb("hwq.cli.schema", "Print the JSON Schema of project files."),
    "doctor": Verb("hwq.cli.doctor", "List the tools hwq uses, and what to install where one is missing."),
    "cache": Verb("hwq.cli.cache", "Show what the cache of builds and syntheses holds, or empty it."),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (without the program's name; ``sys.argv`` by default); returns the exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It was closed when the process began: nobody listens, and the exit code still tells.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that lacks a character shows its code instead.
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with terminations():
            code = _execute(arguments)
            sys.stdout.flush()
        return code
    except Terminated as request:
        return _fail("terminated", request.exit_code, kind="")
    except BrokenPipeError:
        # Whoever read the output has what it wanted; nothing more can be written, at exit neither.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        return exit_codes.BROKEN_PIPE
    except HwqError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", exit_codes.INTERRUPTED, kind="")
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "hwq"):
            return _bug()
        name = {"yaml": "pyyaml"}.get(package, package)
        return _fail(f"the Python package {name} is missing or damaged ({error}): pip install {name}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return _fail(f"{where}{error.strerror or error}")
    except MemoryError:
        asked = any(word.partition("=")[0] == "--samples" for word in arguments)
        return _fail("out of memory" + (": lower --samples" if asked else ""))
    except Exception:
        return _bug()


def _execute(arguments: list[str]) -> int:
    """Parse, then run: what a verb raises never passes through the parser's own handling of errors."""
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    if wanted is not None and wanted not in VERBS:
        close = difflib.get_close_matches(wanted, VERBS, n=1)
        advice = f"did you mean {close[0]}?" if close else f"verbs are {', '.join(VERBS)}"
        return _fail(f"no verb {wanted!r}; {advice}")
    parser: Any = typer.main.get_command(_application(wanted))
    for command in (parser, *parser.commands.values()):
        for parameter in command.params:
            if getattr(parameter, "is_flag", False):
                # A flag takes no value; help would name the type of one.
                parameter.metavar = ""
    usage_error: Any = typer.BadParameter.__mro__[1]
    try:
        parsed = parser.main(arguments or ["--help"], prog_name="hwq", standalone_mode=False)
    except usage_error as error:
        return _fail(_usage_message(error))
    except typer.Abort:
        raise KeyboardInterrupt from None
    result = parsed() if callable(parsed) else parsed
    return exit_codes.GOOD if result is None else int(result)


def _usage_message(error: Any) -> str:
    """The parser's complaint, with the nearest option where one is unknown."""
    message: str = error.format_message()
    if error.ctx is None:
        return message
    unknown = getattr(error, "option_name", None)
    if unknown is not None:
        known = [option for parameter in error.ctx.command.params for option in parameter.opts]
        close = difflib.get_close_matches(unknown, known, n=1)
        message = f"no option {unknown}" + (f"; did you mean {close[0]}?" if close else "")
    return f"{message}\ntry: {error.ctx.command_path} --help"


def _application(wanted: str | None) -> typer.Typer:
    """The parser of every verb; only the one that is wanted has more than a name."""
    application = typer.Typer(
        name="hwq",
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    application.callback()(_options)
    for name, verb in VERBS.items():
        if name == wanted:
            command = importlib.import_module(verb.module).command
            application.command(name, help=_paragraphs(command))(_deferred(command))
        else:
            application.command(name, help=verb.summary)(_not_wanted)
    return application


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"hwq {__version__}\n")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """From a quantized neural network to Verilog that computes the same bits.

    Exit codes: 0 good, 1 mismatch, 2 bad input or missing tool.
    """


def _not_wanted() -> None:
    """Stand in for a verb that is only named."""


def _paragraphs(command: Callable[..., Any]) -> str:
    """A docstring with one line for each paragraph, for the terminal to break where it is wide."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(command) or "").split("\n\n"))


def _deferred(command: Callable[..., int | None]) -> Callable[..., Callable[[], int | None]]:
    """What the parser calls: it hands the verb back with its arguments instead of running it."""

    @functools.wraps(command)
    def bind(*args: Any, **kwargs: Any) -> Callable[[], int | None]:
        return functools.partial(command, *args, **kwargs)

    return bind


def _fail(message: str, code: int = exit_codes.BAD_INPUT, kind: str = "error: ") -> int:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    # Where nobody listens any more the exit code still tells.
    with contextlib.suppress(OSError):
        sys.stderr.write(wrapped(f"hwq: {kind}{message}", sys.stderr) + "\n")
        sys.stderr.flush()
    return code


def _bug() -> int:
    traceback.print_exc()
    return _fail("this is a bug in hwq: please report it with the lines above", exit_codes.BUG, kind="")
