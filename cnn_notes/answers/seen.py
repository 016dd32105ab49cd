"Where known mistakes were seen: a thread or a page in which somebody makes the mistake or warns of it"

class Seen(str):
    "A name and, after the last space, an address"
    day:str # on which we looked
    def __new__(cls, where, day):
        self = super().__new__(cls, where)
        self.day = day
        return self

def _on_github(repository, number, day, kind, folder):
    name,address = repository.split('/')[1],f'https://github.com/{repository}/{folder}/{number}'
    return Seen(f'{name}, {kind} {number} {address}', day)

def issue(repository, number, day): return _on_github(repository, number, day, 'issue', 'issues')
def pull(repository, number, day): return _on_github(repository, number, day, 'pull request', 'pull')

day = '2026-11-29'
flip = Seen('SciPy, issue 14369 https://github.com/scipy/scipy/issues/14369', day)
transposed_kernel = Seen('a question on convolve2d https://www.developerload.com/'
    'why-is-the-result-of-my-conv2d-function-centrally-symmetric-with-the-result-of-scipy', day)
backward_flip = Seen('DeepLearning.AI, thread 121204 https://community.deeplearning.ai/t/'
    'should-it-have-a-rot180-on-filter-to-calculate-da-prev/121204', day)
weight_gradient = Seen('End-to-End Machine Learning, course 322, lecture 2.5 https://end-to-end-machine-learning.'
    'teachable.com/courses/322-convolutional-neural-networks-in-two-dimensions/lectures/24726662',
    day)
pad_order = Seen('DiverseBranchBlock, issue 26 https://github.com/DingXiaoH/DiverseBranchBlock/issues/26',
    day)
height_for_width = Seen('PaddlePaddle models, issue 3243 https://github.com/PaddlePaddle/models/issues/3243',
    day)
grid_axes = Seen('PyMUST, pull request 55 https://github.com/creatis-ULTIM/PyMUST/pull/55', day)
row_column = Seen('Augraphy, issue 71 https://github.com/sparkfish/augraphy/issues/71', day)
corner_or_center = Seen('ndarray-vision, issue 11 https://github.com/rust-cv/ndarray-vision/issues/11', day)
sum_of_weights = Seen('fastbook, chapter 13, whose diagonal edge kernels add up to 1 '
    'https://github.com/fastai/fastbook/blob/master/13_convolutions.ipynb', day)
plus_one = Seen('AI Stack Exchange, question 29982 https://ai.stackexchange.com/questions/29982/'
    'why-do-we-add-1-in-the-formula-to-calculate-the-shape-of-the-output-of-the-convo', day)
no_stride = Seen('solutions to a Coursera course, pull request 34 '
    'https://github.com/Kulbear/deep-learning-coursera/pull/34', day)
truncated = Seen('Deeplearning4j, ConvolutionMode https://mgubaidullin.github.io/deeplearning4j-docs/doc/org/'
    'deeplearning4j/nn/conf/ConvolutionMode.html', day)
overlap = Seen('book-ai.org, chapter 13, section 3 https://www.book-ai.org/books/neural-networks/chapter-13/section-03',
    day)
same_side = Seen('TensorFlow, issue 7969 https://github.com/tensorflow/tensorflow/issues/7969', day)
same_too_large = Seen('ALF, pull request 457 https://github.com/HorizonRobotics/alf/pull/457', day)
same_too_small = Seen('Burn, issue 2676 https://github.com/tracel-ai/burn/issues/2676', day)
no_dilation = Seen('Paddle, issue 5242 https://github.com/PaddlePaddle/Paddle/issues/5242', day)
dilated_size = Seen('CUTLASS, issue 3502 https://github.com/NVIDIA/cutlass/issues/3502', day)
way_back = Seen('Keras, issue 9883 https://github.com/keras-team/keras/issues/9883', day)
no_output_padding = Seen('MLX, issue 1423 https://github.com/ml-explore/mlx/issues/1423', day)
one_kernel = Seen('PyTorch forum, thread 119441 https://discuss.pytorch.org/t/why-does-a-filter-in-depthwise-'
    'convolution-uses-only-one-kernel-for-all-channels-instead-of-unique-kernels-for-all-channels/119441',
    day)
grouped_weight = Seen('MLX, pull request 637 https://github.com/ml-explore/mlx/pull/637', day)
groups_like_one = Seen('Darknet, issue 5101 https://github.com/AlexeyAB/darknet/issues/5101', day)
group_order = Seen('Theano, issue 6297 https://github.com/Theano/Theano/issues/6297', day)
flops_and_macs = Seen('flops-counter.pytorch, issue 40 https://github.com/sovrasov/flops-counter.pytorch/issues/40',
    day)
flops_without_groups = Seen('Paddle, pull request 24848 https://github.com/PaddlePaddle/Paddle/pull/24848',
    day)
depthwise_once = Seen('PaddlePaddle models, issue 3890 https://github.com/PaddlePaddle/models/issues/3890',
    day)
no_channels = Seen('Crucial Exams, question 36492 https://crucialexams.com/study/questions/dy0-001/'
    'during-a-model-audit-you-examine-the-first-convolutional-layer-of-an/36492', day)
no_activation = Seen('Cross Validated, question 578762 https://stats.stackexchange.com/questions/578762/'
    'when-i-do-not-add-an-activation-function-to-my-convolutional-layer-the-model-get', day)
stacked = Seen('fast.ai forum, thread 64006 https://forums.fast.ai/t/'
    'receptive-field-for-stacked-convolutions/64006', day)
whole_kernel = Seen('keras-tcn, issue 196 https://github.com/philipperemy/keras-tcn/issues/196', day)
letters = Seen('Stack Overflow, question 20548830 https://stackoverflow.com/questions/20548830/'
    'am-i-missing-something-or-is-this-microsoft-algorithm-for-calculating-the-excel', day)
from_zero = Seen('Stack Overflow, question 23861680 https://stackoverflow.com/questions/23861680/'
    'convert-spreadsheet-number-to-column-letter', day)
dollar = Seen('upgradenrepair.com, protect formula https://upgradenrepair.com/msoffice/applications/Excel/'
    'Howtouse/protectformula.htm', day)
dormant = Seen('DrM, issue 4 https://github.com/XuGW-Kevin/DrM/issues/4', day)
first_sample = Seen('NeuroBench, issue 258 https://github.com/NeuroBench/neurobench/issues/258', day)
bias_before_weight = Seen('course-v3, issue 395 https://github.com/fastai/course-v3/issues/395', day)
decay_position = Seen('GPT-NeoX, pull request 1008 https://github.com/EleutherAI/gpt-neox/pull/1008', day)
last_epoch = Seen('MMCV, issue 519 https://github.com/open-mmlab/mmcv/issues/519', day)
final_factor = Seen('nupic.research, pull request 360 https://github.com/numenta/nupic.research/pull/360',
    day)
end_of_range = Seen('pytorch-lr-finder, pull request 42 https://github.com/davidtvs/pytorch-lr-finder/pull/42',
    day)
conv_bias = Seen('yolov3, issue 807 https://github.com/ultralytics/yolov3/issues/807', day)
norm_shift = Seen('TASO, issue 47 https://github.com/jiazhihao/TASO/issues/47', day)
no_conv_bias = Seen('tt-metal, pull request 5317 https://github.com/tenstorrent/tt-metal/pull/5317', day)
epsilon = Seen('Merge_bn_Caffe, issue 8 https://github.com/NHZlX/Merge_bn_Caffe/issues/8', day)
last_terms = Seen('DeepLearning.AI, thread 6220 https://community.deeplearning.ai/t/'
    'exponentially-weighted-average/6220', day)
momentum = Seen('PyTorch forum, thread 13415 https://discuss.pytorch.org/t/'
    'batch-normalization-momentum-meaning/13415', day)
stripes = Seen('a question on Gabor filters https://coderapp.vercel.app/answer/48876641', day)
whole_vote = Seen('scikit-image, issue 3565 https://github.com/scikit-image/scikit-image/issues/3565', day)
last_bin = Seen('scikit-image, issue 691 https://github.com/scikit-image/scikit-image/issues/691', day)
clamped_bin = Seen('opencv_contrib, issue 1143 https://github.com/opencv/opencv_contrib/issues/1143', day)
half_turn = Seen('scikit-image, pull request 244 https://github.com/scikit-image/scikit-image/pull/244', day)
normal_tail = Seen('Mathematics Stack Exchange, question 3795024 https://math.stackexchange.com/questions/3795024',
    day)
two_sides = Seen('Cross Validated, question 470294 https://stats.stackexchange.com/questions/470294', day)

day = '2026-11-30'
constant_statistics = Seen('CrypTen, pull request 143 https://github.com/facebookresearch/CrypTen/pull/143',
    day)
# 00_data
julia_axes = issue('JuliaML/MLDatasets.jl', 62, day)
reshaped_colors = pull('ikostrikov/pytorch-a3c', 47, day)
channels_last = issue('fbcotter/pytorch_wavelets', 14, day)
not_scaled = issue('Belval/CRNN', 62, day)
by_256 = issue('tensorflow/tpu', 435, day)
red_for_blue = issue('ZJULearning/pixel_link', 60, day)
signed_bytes = pull('google-research/dex-lang', 640, day)
header_as_pixels = pull('marcinz606/NegPy', 350, day)
not_shuffled = issue('Deci-AI/super-gradients', 416, day)
short_batch = issue('openclimatefix/pvnet', 528, day)
drawn_anew = issue('ageron/handson-ml2', 458, day)
drawn_alone = issue('tolstikhin/adagan', 4, day)
frozen_batches = pull('d2l-ai/d2l-en', 2700, day)
same_order = pull('facebookresearch/ClassyVision', 118, day)
lying_images = issue('developmentseed/tensorflow-eo-training', 11, day)
whole_numbers = issue('Entropy-xcy/RankFace', 2, day)
last_batch = pull('nlintz/TensorFlow-Tutorials', 49, day)
mean_of_all = Seen('codeprj, the mean of a batch of images https://www.codeprj.com/zh/blog/631cda1.html', day)
undivided_sum = pull('amplab/SparkNet', 86, day)
truncated_average = pull('seung-lab/igneous', 34, day)
total_for_class = issue('probml/pmtk3', 106, day)
pieces_not_size = issue('numpy/numpy', 12691, day)
# 01_kernels
edge_directions = pull('image-rs/imageproc', 128, day)
inverted_sign = issue('scikit-image/scikit-image', 7357, day)
over_the_edge = issue('imagej/imagej-ops', 98, day)
full_for_same = issue('aigamedev/scikit-neuralnetwork', 34, day)
cancelled = issue('laixintao/slic-python-implementation', 18, day)
flat_comprehension = pull('python/cpython', 149829, day)
upside_down = issue('python-pillow/Pillow', 3134, day)
# 02_stride_padding
multiple_of_stride = issue('ProjectNeura/MIPCandy', 170, day)
forgotten_padding = issue('MathiasGruber/PConv-Keras', 7, day)
shrinking = issue('tiny-dnn/tiny-dnn', 57, day)
dilation_for_stride = issue('1991viet/Deeplab-pytorch', 2, day)
copied_border = issue('pytorch/pytorch', 1021, day)
blocks = issue('NVlabs/SegFormer', 11, day)
grid_without_stride = issue('mahmoodlab/KRONOS', 9, day)
# 03_channels
axes_of_a_weight = issue('uxlfoundation/oneDNN', 725, day)
one_number_nine_times = pull('PaddlePaddle/Paddle-Lite', 10163, day)
interleaved_groups = issue('megvii-model/ShuffleNet-Series', 17, day)
border_for_edge = issue('CellProfiler/CellProfiler', 407, day)
three_axes = issue('pytorch/pytorch', 3141, day)
normalized_shadow = issue('lovell/sharp', 3406, day)
# 04_matmul
padding_once = issue('torch/cunn', 39, day)
brackets = issue('karpathy/convnetjs', 43, day)
transposed_matrix = issue('stan-dev/math', 230, day)
columns_for_rows = issue('rust-cv/cv-core', 9, day)
width_for_volume = issue('udacity/sdc-issue-reports', 478, day)
mean_gradient = issue('kvfrans/notes', 5, day)
filter_axes = issue('nntrainer/nntrainer', 705, day)
# 05_simple_cnn
squeezed = issue('layumi/Person_reID_baseline_pytorch', 77, day)
flat_batch = pull('clcarwin/convert_torch_to_pytorch', 1, day)
batch_in_a_row = issue('udacity/P1_Facial_Keypoints', 2, day)
reshaped_images = issue('BonnBytes/PyTorch-FWD', 16, day)
flat_order = issue('microsoft/MMdnn', 250, day)
layer_too_many = issue('junyanz/pytorch-CycleGAN-and-pix2pix', 567, day)
log2_layers = issue('RoyWheels/stylegan2-ada', 4, day)
same_width = issue('Rikorose/DeepFilterNet', 304, day)
odd_pooling = issue('pytorch/pytorch', 6842, day)
no_relu = issue('jfzhang95/pytorch-deeplab-xception', 7, day)
mean_for_max = issue('jvanvugt/pytorch-unet', 3, day)
pooling_stride = issue('distdl/distdl', 203, day)
no_zero_grad = issue('Hsintien-Ng/idinvert_pytorch-reproduced', 1, day)
ascent = issue('pytorch/pytorch', 1871, day)
no_rate = pull('fetchai/ledger', 1637, day)
new_tensor = Seen('PyTorch, frequent errors '
    'https://hao-yiwen.github.io/yiwen-blog-website/en/docs/ai/frameworks/pytorch/common-errors', day)
two_softmaxes = pull('bowang-lab/Transformer-GCN-QA', 32, day)
summed_loss = pull('jax-ml/jax', 3113, day)
fixed_bias = pull('nntrainer/nntrainer', 219, day)
loss_with_graph = issue('BatsResearch/labelmodels', 4, day)
rounded_down = issue('tensorflow/tensorflow', 196, day)
loss_after_step = issue('keras-team/keras', 12274, day)
zeroed_too_early = Seen('velog, rhss10, on zero_grad '
    'https://velog.io/@rhss10/%EA%B8%B0%EB%B3%B8-optimizer.zerograd%EB%8A%94-%EC%96%B4%EB%94%94'
    '%EC%97%90-%EB%84%A3%EC%96%B4%EC%A3%BC%EC%96%B4%EC%95%BC-%ED%95%A0%EA%B9%8C', day)
uncapped = issue('lucidrains/stylegan2-pytorch', 81, day)
widest_first = issue('AntixK/PyTorch-VAE', 89, day)
channels_left = issue('mrdbourke/pytorch-deep-learning', 120, day)
no_pooling = issue('NVlabs/MUNIT', 94, day)
halved_twice = issue('xuebinqin/DIS', 52, day)
stride_for_pooling = issue('DhairyaLGandhi/UNet.jl', 1, day)
# 06_counting
outputs_for_inputs = issue('Tencent/TNN', 411, day)
# 07_receptive_field
stride_for_dilation = issue('facebookresearch/VideoPose3D', 222, day)
negative_overlap = pull('yhenon/keras-frcnn', 45, day)
both_included = issue('LisaAnne/LocalizingMoments', 18, day)
one_too_many = issue('fizyr/keras-retinanet', 1317, day)
step_for_overlap = issue('jordipons/musicnn', 4, day)
doubled_field = pull('frgfm/torch-scan', 33, day)
padding_for_field = issue('yhjo09/SR-LUT', 6, day)
effective_history = issue('philipperemy/keras-tcn', 207, day)
# 08_trace_precedents
bias_after_relu = issue('Sentdex/NNfSiX', 153, day)
missing_equals = issue('jmcnamara/libxlsxwriter', 149, day)
no_bias = issue('VigneshSrinivasan10/interprettensor', 2, day)
other_direction = issue('JacquesCarette/Drasil', 1218, day)
conv_without_relu = issue('liuruoze/mini-AlphaStar', 4, day)
# 09_activations
inplace_relu = issue('ducha-aiki/LSUV-pytorch', 2, day)
variance_for_std = issue('ppwwyyxx/GroupNorm-reproduce', 3, day)
low_edge = issue('johnkerl/miller', 1146, day)
added_mean = issue('chaiyujin/glow-pytorch', 27, day)
off_for_one = Seen('fast.ai forum, thread 68643, page 16 '
    'https://forums.fast.ai/t/lesson-4-official-topic/68643?page=16', day)
stale_inputs = issue('openai/pixel-cnn', 36, day)
mean_of_logs = issue('ktrns/scrnaseq', 63, day)
mean_through_channels = issue('keras-team/keras', 6718, day)
# 10_one_cycle
quarter_cosine = issue('goodfire-ai/spd', 311, day)
base_momentum = issue('BVLC/caffe', 2333, day)
# 11_batchnorm
biased_variance = issue('pytorch/pytorch', 83256, day)
per_neuron = pull('BVLC/caffe', 1867, day)
no_root = issue('tensorflow/tensorflow', 48039, day)
no_eps_back = pull('chainer/chainer', 4191, day)
detached_variance = issue('abhiskk/ladder', 2, day)
constant_mean = issue('anthonymlortiz/lcn', 2, day)
no_gamma = issue('uxlfoundation/oneDNN', 276, day)
# 12_before_deep_learning
radians = issue('hasanakg/Canny-Edge-Detector', 2, day)
negative_angle = issue('halide/CVPR2015', 2, day)
wide_rotation = issue('dod-cyber-crime-center/kordesii', 35, day)
shift_for_rotation = pull('radareorg/radare2', 11508, day)
half_a_bin = issue('imglib/imglib2-algorithm', 25, day)
upside_down_angles = pull('scikit-image/scikit-image', 1105, day)
turn_short_by_one = issue('esaulenka/ghidra_v850', 41, day)
index_for_angle = issue('itberrios/radical', 1, day)
# 13_speed
other_part = pull('vespa-engine/documentation', 2459, day)
part_for_all = pull('gem/oq-engine', 6440, day)
time_for_speed = issue('pyk/bench', 19, day)
as_if_padded = issue('ckyrkou/Keras_FLOP_Estimator', 2, day)
mean_of_rates = pull('evanphx/benchmark-ips', 149, day)
# 14_questionnaire
doubled_tie = issue('canlab/CanlabCore', 9, day)
without_the_result = pull('XENONnT/straxen', 991, day)
inverted_condition = issue('EliasFarhan/NekoEngine', 36, day)
returned_test = issue('pytest-dev/pytest', 7337, day)
silent_assertion = pull('openedx/openedx-platform', 27063, day)
weak_assertion = pull('IJHack/QtPass', 797, day)
linear_filters = issue('angsten/pianonet', 3, day)
same_filters = Seen('Hands-On Computer Vision with TensorFlow 2, issue 21 '
    'https://github.com/PacktPublishing/Hands-On-Computer-Vision-with-TensorFlow-2/issues/21', day)
one_tail = issue('UMCUGenetics/MutationalPatterns', 54, day)
# 15_your_digit
no_box = pull('TigranGalstyan/mnistconvnetdemo', 3, day)
stretched = issue('sugyan/tensorflow-mnist', 7, day)
inverted_all = issue('makeyourownneuralnetwork/makeyourownneuralnetwork', 46, day)
last_axis_first = pull('pytorch/pytorch', 37881, day)
single_pixels = issue('libvips/libvips', 1034, day)
negative_range = issue('knime-ip/knip', 470, day)
side_rounded_down = issue('image-rs/image', 1594, day)
shorter_side = issue('RawTherapee/RawTherapee', 659, day)
corner_padding = issue('fluent-ffmpeg/node-fluent-ffmpeg', 90, day)
paper_is_one = issue('chainer/chainer', 8614, day)
gray_edges = issue('sirfz/tesserocr', 132, day)
zero_indexed = issue('EleutherAI/sparsify', 16, day)
overall_stride = issue('bertinetto/siamese-fc', 57, day)
# 16_mystery_runs
eval_forgotten = issue('tensorflow/models', 890, day)
order_of_labels = issue('BVLC/caffe', 1445, day)
bad_labels = issue('k2-fsa/icefall', 1676, day)
small_batches = issue('xg-chu/CrowdDet', 19, day)
killed_by_rate = issue('keras-team/keras', 3425, day)
unnoticed_relu = issue('michuanhaohao/reid-strong-baseline', 4, day)
slow_start = pull('ageron/handson-ml', 176, day)
rate_first = Seen('datarekha, debugging a model that does not learn '
    'https://datarekha.com/interview/deep-learning/debugging-model-not-learning/', day)
lagging_averages = issue('tensorflow/tensorflow', 1122, day)
norm_by_averages = pull('apache/systemds', 390, day)
not_the_rate = issue('official-stockfish/Stockfish', 3274, day)
